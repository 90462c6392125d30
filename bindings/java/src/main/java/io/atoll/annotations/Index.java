package io.atoll.annotations;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A property that queries look up by equality. */
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.FIELD)
public @interface Index {
}
