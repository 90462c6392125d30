package io.atoll.annotations;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A text that queries search by its words: {@code rawPredicate("text TEXT $0", "palm -tree")}. */
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.FIELD)
public @interface FullText {
}
