package io.atoll.annotations;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A field that is not stored. Static and transient fields never are. */
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.FIELD)
public @interface Ignore {
}
