package io.atoll.processor;

import java.util.ArrayList;
import java.util.List;
import javax.lang.model.element.TypeElement;

/** One model class, checked. */
final class ModelClass {
    TypeElement element;
    String packageName;
    /** Its name in source, with the classes that hold it: Outer.Inner. */
    String source;
    String name;
    boolean embedded;
    boolean asymmetric;
    boolean hasEquals;
    final List<ModelProperty> properties = new ArrayList<>();
    /** The fields with @LinkingObjects, which are not stored. */
    final List<ModelProperty> links = new ArrayList<>();

    String proxy() {
        return source.replace('.', '_') + "RealmProxy";
    }

    String qualifiedProxy() {
        return packageName.isEmpty() ? proxy() : packageName + "." + proxy();
    }

    String kind() {
        return asymmetric ? "CLASS_ASYMMETRIC" : embedded ? "CLASS_EMBEDDED" : "CLASS_NORMAL";
    }
}
