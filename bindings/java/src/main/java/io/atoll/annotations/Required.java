package io.atoll.annotations;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A property, or the elements of a list, that may not be null. */
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.FIELD)
public @interface Required {
}
