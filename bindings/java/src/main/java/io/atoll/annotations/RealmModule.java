package io.atoll.annotations;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A set of classes for {@code RealmConfiguration.Builder.modules}. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface RealmModule {
    boolean allClasses() default false;

    Class<?>[] classes() default {};
}
