package io.atoll.processor;

import io.atoll.annotations.FullText;
import io.atoll.annotations.Ignore;
import io.atoll.annotations.Index;
import io.atoll.annotations.LinkingObjects;
import io.atoll.annotations.PrimaryKey;
import io.atoll.annotations.RealmClass;
import io.atoll.annotations.RealmField;
import io.atoll.annotations.Required;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javax.annotation.processing.Messager;
import javax.annotation.processing.ProcessingEnvironment;
import javax.lang.model.element.Element;
import javax.lang.model.element.ElementKind;
import javax.lang.model.element.ExecutableElement;
import javax.lang.model.element.Modifier;
import javax.lang.model.element.TypeElement;
import javax.lang.model.element.VariableElement;
import javax.lang.model.type.DeclaredType;
import javax.lang.model.type.TypeKind;
import javax.lang.model.type.TypeMirror;
import javax.lang.model.util.ElementFilter;
import javax.tools.Diagnostic;

/** Reads a model class and reports what can't be stored, at the field that it concerns. */
final class ModelReader {
    private static final Set<String> KEYS = new HashSet<>(Arrays.asList("TYPE_INT", "TYPE_STRING", "TYPE_UUID", "TYPE_OBJECT_ID"));
    private static final List<String> COLLECTIONS = Arrays.asList("RealmList", "RealmSet", "RealmDictionary");
    private final ProcessingEnvironment environment;
    private final Messager messages;
    private boolean failed;

    ModelReader(ProcessingEnvironment environment) {
        this.environment = environment;
        this.messages = environment.getMessager();
    }

    private void error(Element at, String text) {
        failed = true;
        messages.printMessage(Diagnostic.Kind.ERROR, text, at);
    }

    private TypeMirror type(String name) {
        TypeElement found = environment.getElementUtils().getTypeElement(name);
        return found == null ? null : found.asType();
    }

    private boolean is(TypeMirror candidate, String superName) {
        TypeMirror wanted = type(superName);
        return wanted != null && candidate.getKind() == TypeKind.DECLARED && environment.getTypeUtils().isSubtype(
                environment.getTypeUtils().erasure(candidate), environment.getTypeUtils().erasure(wanted));
    }

    boolean isModel(TypeElement candidate) {
        String name = candidate.getQualifiedName().toString();
        boolean base = name.equals("io.atoll.RealmObject") || name.equals("io.atoll.AsymmetricRealmObject");
        boolean model = is(candidate.asType(), "io.atoll.RealmObject") || is(candidate.asType(), "io.atoll.AsymmetricRealmObject")
                || candidate.getAnnotation(RealmClass.class) != null;
        return candidate.getKind() == ElementKind.CLASS && !base && model && !name.endsWith("RealmProxy");
    }

    private static boolean isEmbedded(Element element) {
        RealmClass annotation = element.getAnnotation(RealmClass.class);
        return annotation != null && annotation.embedded();
    }

    /** Null if it has errors, which are reported. */
    ModelClass read(TypeElement element) {
        failed = false;
        ModelClass model = new ModelClass();
        model.element = element;
        model.packageName = environment.getElementUtils().getPackageOf(element).getQualifiedName().toString();
        String qualified = element.getQualifiedName().toString();
        model.source = model.packageName.isEmpty() ? qualified : qualified.substring(model.packageName.length() + 1);
        model.name = storedName(element);
        model.embedded = isEmbedded(element);
        model.asymmetric = is(element.asType(), "io.atoll.AsymmetricRealmObject");
        if (model.packageName.isEmpty()) {
            error(element, "A model class needs a package: the list of all model classes refers to it from another one");
        }
        checkClass(element);
        for (VariableElement field : ElementFilter.fieldsIn(element.getEnclosedElements())) {
            Set<Modifier> modifiers = field.getModifiers();
            boolean stored = !modifiers.contains(Modifier.STATIC) && !modifiers.contains(Modifier.TRANSIENT)
                    && field.getAnnotation(Ignore.class) == null;
            if (stored && field.getAnnotation(LinkingObjects.class) != null) {
                model.links.add(linking(element, field));
            } else if (stored) {
                model.properties.add(property(element, field));
            }
        }
        for (ExecutableElement method : ElementFilter.methodsIn(element.getEnclosedElements())) {
            model.hasEquals |= method.getSimpleName().contentEquals("equals") && method.getParameters().size() == 1;
        }
        checkKeys(model);
        return failed ? null : model;
    }

    private static String storedName(TypeElement element) {
        RealmClass annotation = element.getAnnotation(RealmClass.class);
        if (annotation != null && !annotation.name().isEmpty()) {
            return annotation.name();
        }
        return annotation != null && !annotation.value().isEmpty() ? annotation.value() : element.getSimpleName().toString();
    }

    private void checkClass(TypeElement element) {
        String base = element.getSuperclass().toString();
        if (!base.equals("io.atoll.RealmObject") && !base.equals("io.atoll.AsymmetricRealmObject") && !base.equals("java.lang.Object")) {
            error(element, "A model class extends RealmObject or AsymmetricRealmObject directly, or nothing: inherited fields are not stored");
        } else if (base.equals("java.lang.Object") && !is(element.asType(), "io.atoll.RealmModel")) {
            error(element, "A class with @RealmClass extends RealmObject or implements RealmModel");
        }
        if (element.getModifiers().contains(Modifier.FINAL)) {
            error(element, "A model class must not be final: its managed objects are of a generated subclass");
        }
        if (element.getModifiers().contains(Modifier.ABSTRACT) || element.getModifiers().contains(Modifier.PRIVATE)) {
            error(element, "A model class must not be abstract or private");
        }
        if (element.getEnclosingElement().getKind() == ElementKind.CLASS && !element.getModifiers().contains(Modifier.STATIC)) {
            error(element, "A model class inside another class must be static");
        }
        boolean constructor = false;
        for (ExecutableElement method : ElementFilter.constructorsIn(element.getEnclosedElements())) {
            constructor |= method.getParameters().isEmpty() && !method.getModifiers().contains(Modifier.PRIVATE);
        }
        if (!constructor) {
            error(element, "A model class needs a constructor without parameters that is not private");
        }
    }

    private void checkKeys(ModelClass model) {
        int keys = 0;
        for (ModelProperty property : model.properties) {
            keys += property.key ? 1 : 0;
        }
        if (keys > 1) {
            error(model.element, "A class has at most one @PrimaryKey");
        }
        if (keys > 0 && model.embedded) {
            error(model.element, "An embedded class has no @PrimaryKey: its objects belong to their parent");
        }
        if (model.properties.isEmpty()) {
            error(model.element, "A model class needs at least one stored field");
        }
    }

    private ModelProperty property(TypeElement owner, VariableElement field) {
        ModelProperty property = new ModelProperty();
        property.element = field;
        property.field = field.getSimpleName().toString();
        RealmField mapped = field.getAnnotation(RealmField.class);
        String name = mapped == null ? "" : mapped.name().isEmpty() ? mapped.value() : mapped.name();
        property.name = name.isEmpty() ? property.field : name;
        property.key = field.getAnnotation(PrimaryKey.class) != null;
        property.indexed = field.getAnnotation(Index.class) != null;
        property.fullText = field.getAnnotation(FullText.class) != null;
        property.declared = field.asType().toString();
        if (!field.getModifiers().contains(Modifier.PRIVATE)) {
            error(field, "\"" + property.field + "\" must be private: only its accessors see the realm");
        }
        property.counter = is(field.asType(), "io.atoll.MutableRealmInteger");
        if (field.getModifiers().contains(Modifier.FINAL) && !property.counter) {
            error(field, "\"" + property.field + "\" must not be final");
        }
        describe(property, field.asType());
        boolean required = field.getAnnotation(Required.class) != null || property.key;
        property.nullable = nullable(property, required);
        if (property.key && (property.list || !KEYS.contains(property.type))) {
            error(field, "A @PrimaryKey is a byte, short, int, long, String, UUID or ObjectId");
        }
        if (property.fullText && (property.list || !property.type.equals("TYPE_STRING"))) {
            error(field, "@FullText is for a field of type String");
        }
        findAccessors(owner, property, !property.counter);
        return property;
    }

    /** A field that shows what links here: its class must have the field that is named, and that must lead here. */
    private ModelProperty linking(TypeElement owner, VariableElement field) {
        ModelProperty property = new ModelProperty();
        property.element = field;
        property.field = field.getSimpleName().toString();
        property.declared = field.asType().toString();
        property.origin = field.getAnnotation(LinkingObjects.class).value();
        List<? extends TypeMirror> arguments = is(field.asType(), "io.atoll.RealmResults")
                ? ((DeclaredType) field.asType()).getTypeArguments() : Collections.<TypeMirror>emptyList();
        if (arguments.size() != 1 || !is(arguments.get(0), "io.atoll.RealmModel")) {
            error(field, "A field with @LinkingObjects is of type RealmResults, of the model class that links here");
            return property;
        }
        property.value = arguments.get(0).toString();
        Element origin = ((DeclaredType) arguments.get(0)).asElement();
        boolean leads = false;
        for (VariableElement candidate : ElementFilter.fieldsIn(origin.getEnclosedElements())) {
            leads |= candidate.getSimpleName().contentEquals(property.origin) && leadsTo(candidate.asType(), owner);
        }
        if (!leads) {
            error(field, "\"" + property.origin + "\" is no field of " + property.value + " that links to " + owner.getSimpleName());
        }
        findAccessors(owner, property, false);
        return property;
    }

    private boolean leadsTo(TypeMirror from, TypeElement owner) {
        if (from.getKind() != TypeKind.DECLARED) {
            return false;
        }
        List<? extends TypeMirror> arguments = ((DeclaredType) from).getTypeArguments();
        return from.toString().equals(owner.toString()) || arguments.size() == 1 && arguments.get(0).toString().equals(owner.toString());
    }

    private static boolean nullable(ModelProperty property, boolean required) {
        if (property.isObject() || property.type.equals("TYPE_MIXED")) {
            return property.isObject() && !property.list; // Null is one of the values of a RealmAny.
        }
        return !required && !property.isPrimitive();
    }

    private void describe(ModelProperty property, TypeMirror declared) {
        TypeMirror element = declared;
        for (String name : COLLECTIONS) {
            if (is(declared, "io.atoll." + name)) {
                property.collection = name;
            }
        }
        if (!property.collection.isEmpty()) {
            List<? extends TypeMirror> arguments = ((DeclaredType) declared).getTypeArguments();
            property.list = true;
            if (arguments.size() != 1) {
                error(property.element, "A " + property.collection + " needs the type of its elements");
                property.type = "TYPE_INT";
                property.value = "java.lang.Long";
                return;
            }
            element = arguments.get(0);
        }
        property.value = element.toString();
        property.type = scalar(property, element);
        if (property.type != null) {
            return;
        }
        property.type = "TYPE_LINK";
        if (is(element, "io.atoll.AsymmetricRealmObject")) {
            error(property.element, "An asymmetric class can't be the type of a property: its objects are only sent");
        } else if (is(element, "io.atoll.RealmModel")) {
            property.type = isEmbedded(((DeclaredType) element).asElement()) ? "TYPE_EMBEDDED" : "TYPE_LINK";
            if (property.type.equals("TYPE_EMBEDDED") && property.collection.equals("RealmSet")) {
                error(property.element, "A RealmSet can't hold embedded objects: use a RealmList or a RealmDictionary");
            }
        } else {
            error(property.element, "A field of type " + element + " can't be stored: annotate it with @Ignore, or make it a number, "
                    + "boolean, String, byte[], Date, UUID, ObjectId, Decimal128, RealmAny, model class, a RealmList, RealmSet or "
                    + "RealmDictionary of these, or a MutableRealmInteger");
        }
    }

    /** The type of what is no object; null for anything else. Sets the boxed form of numbers. */
    private static String scalar(ModelProperty property, TypeMirror element) {
        switch (element.toString()) {
            case "boolean":
            case "java.lang.Boolean":
                property.value = "java.lang.Boolean";
                return "TYPE_BOOL";
            case "byte":
            case "java.lang.Byte":
                property.value = "java.lang.Byte";
                return "TYPE_INT";
            case "short":
            case "java.lang.Short":
                property.value = "java.lang.Short";
                return "TYPE_INT";
            case "int":
            case "java.lang.Integer":
                property.value = "java.lang.Integer";
                return "TYPE_INT";
            case "long":
            case "java.lang.Long":
                property.value = "java.lang.Long";
                return "TYPE_INT";
            case "float":
            case "java.lang.Float":
                property.value = "java.lang.Float";
                return "TYPE_FLOAT";
            case "double":
            case "java.lang.Double":
                property.value = "java.lang.Double";
                return "TYPE_DOUBLE";
            case "java.lang.String":
                return "TYPE_STRING";
            case "byte[]":
                return "TYPE_BINARY";
            case "java.util.Date":
                return "TYPE_TIMESTAMP";
            case "java.util.UUID":
                return "TYPE_UUID";
            case "org.bson.types.ObjectId":
                return "TYPE_OBJECT_ID";
            case "org.bson.types.Decimal128":
                return "TYPE_DECIMAL128";
            case "io.atoll.RealmAny":
                return "TYPE_MIXED";
            case "io.atoll.MutableRealmInteger":
                return property.counter ? "TYPE_INT" : null;
            default:
                return null;
        }
    }

    // getX, isX; for a field isX also isX and setX; a leading underscore may be left out: _id has getId or get_id.
    private void findAccessors(TypeElement owner, ModelProperty property, boolean settable) {
        Set<String> stems = new HashSet<>(Arrays.asList(property.field, property.field.replaceFirst("^_+", "")));
        if (property.field.matches("is[A-Z].*")) {
            stems.add(property.field.substring(2));
        }
        for (ExecutableElement method : ElementFilter.methodsIn(owner.getEnclosedElements())) {
            String name = method.getSimpleName().toString();
            String stem = name.startsWith("is") ? name.substring(2) : name.length() > 3 ? name.substring(3) : "";
            boolean mine = false;
            for (String candidate : stems) {
                mine |= !candidate.isEmpty() && stem.equals(Character.toUpperCase(candidate.charAt(0)) + candidate.substring(1));
            }
            if (!mine || method.getModifiers().contains(Modifier.STATIC)) {
                continue;
            }
            boolean overridable = !method.getModifiers().contains(Modifier.PRIVATE) && !method.getModifiers().contains(Modifier.FINAL);
            if (!name.startsWith("set") && method.getParameters().isEmpty()
                    && method.getReturnType().toString().equals(property.declared) && overridable) {
                property.getter = name;
            } else if (name.startsWith("set") && method.getParameters().size() == 1 && overridable
                    && method.getParameters().get(0).asType().toString().equals(property.declared)) {
                property.setter = name;
            }
        }
        if (property.getter == null || settable && property.setter == null) {
            error(property.element, "\"" + property.field + "\" needs a getter" + (settable ? " and a setter" : "") + " of type "
                    + property.declared + " that " + (settable ? "are" : "is")
                    + " neither private nor final: managed objects override them");
        }
    }
}
