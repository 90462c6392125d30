package io.atoll.annotations;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The name under which a property is stored, where it differs from the field's. */
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.FIELD)
public @interface RealmField {
    String value() default "";

    String name() default "";
}
