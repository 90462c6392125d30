package io.atoll.annotations;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A class whose objects are stored. Classes that extend RealmObject are, without it. */
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface RealmClass {
    /** The stored name, where it differs from the class's. */
    String value() default "";

    String name() default "";

    /** Embedded objects live inside exactly one parent and go with it. */
    boolean embedded() default false;
}
