package io.atoll.annotations;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A field of type RealmResults that is not stored: the objects of its class whose field of this name links here. */
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.FIELD)
public @interface LinkingObjects {
    String value();
}
