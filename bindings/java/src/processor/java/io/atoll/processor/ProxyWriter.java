package io.atoll.processor;

import java.util.List;

/** The source of the proxy of one model class, and of the mediator of one compilation. */
final class ProxyWriter {
    private final StringBuilder out = new StringBuilder();

    private void line(String text) {
        out.append(text).append('\n');
    }

    static String quote(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    String proxy(ModelClass model) {
        if (!model.packageName.isEmpty()) {
            line("package " + model.packageName + ";\n");
        }
        line("import io.atoll.internal.Constants;");
        line("import io.atoll.internal.ManagedObject;");
        line("import io.atoll.internal.ObjectType;");
        line("import io.atoll.internal.Property;\n");
        line("/** Generated: the managed form of " + model.source + ". */");
        line("@SuppressWarnings({\"all\", \"unchecked\"})");
        String does = model.asymmetric ? "" : " extends " + model.source + " implements io.atoll.internal.RealmObjectProxy";
        line("public final class " + model.proxy() + does + " {");
        type(model);
        if (!model.asymmetric) {
            line("    private final ManagedObject realm$object;\n");
            line("    " + model.proxy() + "(ManagedObject object) {");
            line("        this.realm$object = object;");
            line("    }\n");
            line("    @Override\n    public ManagedObject realmGet$object() {\n        return realm$object;\n    }\n");
            for (int i = 0; i < model.properties.size(); i++) {
                getter(model.properties.get(i), i);
                setter(model.properties.get(i), i);
            }
            for (ModelProperty link : model.links) {
                line("    @Override\n    public " + link.declared + " " + link.getter + "() {");
                line("        if (realm$object == null) {\n            return super." + link.getter + "();\n        }");
                line("        return io.atoll.RealmResults.linking(realm$object, " + link.value + ".class, " + quote(link.origin) + ");");
                line("    }\n");
            }
            if (!model.hasEquals) {
                line("    @Override\n    public boolean equals(Object other) {");
                line("        return ManagedObject.equal(this, other);\n    }\n");
                line("    @Override\n    public int hashCode() {\n        return realm$object.identityHash();\n    }");
            }
        }
        line("}");
        return out.toString();
    }

    private void type(ModelClass model) {
        String m = model.source;
        line("    public static final ObjectType<" + m + "> TYPE = new ObjectType<" + m + ">(" + m + ".class, " + quote(model.name)
                + ", Constants." + model.kind() + ", new Property[] {");
        for (ModelProperty p : model.properties) {
            line("            new Property(" + quote(p.field) + ", " + quote(p.name) + ", Constants." + p.type + ", " + p.flags() + ", "
                    + p.value + ".class),");
        }
        line("    }) {");
        line("        @Override\n        public " + m + " create() {\n            return new " + m + "();\n        }\n");
        line("        @Override\n        public " + m + " manage(ManagedObject object) {");
        line("            return " + (model.asymmetric ? "null" : "new " + model.proxy() + "(object)") + ";\n        }\n");
        line("        @Override\n        public Object get(" + m + " object, int property) {\n            switch (property) {");
        for (int i = 0; i < model.properties.size(); i++) {
            line("                case " + i + ":\n                    return object." + model.properties.get(i).getter + "();");
        }
        line("                default:\n                    throw new IndexOutOfBoundsException();\n            }\n        }\n");
        line("        @Override\n        public void set(" + m + " object, int property, Object value) {\n            switch (property) {");
        for (int i = 0; i < model.properties.size(); i++) {
            ModelProperty p = model.properties.get(i);
            if (p.counter && !p.list) {
                line("                case " + i + ":\n                    if (object." + p.getter + "() != null) {\n"
                        + "                        object." + p.getter + "().set(value == null ? null : ((io.atoll.MutableRealmInteger) value).get());\n"
                        + "                    }\n                    return;");
                continue;
            }
            String cast = p.list ? p.declared : p.value;
            line("                case " + i + ":\n                    object." + p.setter + "((" + cast + ") value);\n"
                    + "                    return;");
        }
        line("                default:\n                    throw new IndexOutOfBoundsException();\n            }\n        }\n    };\n");
    }

    // The constructor of the model runs before the object is known: until then its own accessors serve it.
    private void getter(ModelProperty p, int i) {
        line("    @Override\n    public " + p.declared + " " + p.getter + "() {");
        line("        if (realm$object == null) {\n            return super." + p.getter + "();\n        }");
        String get = "realm$object.get" + p.accessor() + "(" + i + ")";
        if (p.list) {
            line("        return new " + p.declared + "(realm$object, " + i + ");");
        } else if (p.counter) {
            line("        return io.atoll.MutableRealmInteger.of(realm$object, " + i + ");");
        } else if (p.isObject()) {
            line("        return (" + p.declared + ") " + get + ";");
        } else if (p.isPrimitive()) {
            line("        return " + narrowing(p.declared) + get + ";");
        } else if (p.isNumber()) {
            line("        return realm$object.isNull(" + i + ") ? null : " + p.value + ".valueOf(" + narrowing(unboxed(p.value)) + get + ");");
        } else {
            line("        return " + get + ";");
        }
        line("    }\n");
    }

    /** The cast from what the core gives; none where javac would call it redundant. */
    private static String narrowing(String type) {
        return type.equals("int") || type.equals("short") || type.equals("byte") ? "(" + type + ") " : "";
    }

    private static String unboxed(String boxed) {
        String name = boxed.substring("java.lang.".length());
        return name.equals("Integer") ? "int" : name.toLowerCase(java.util.Locale.ROOT);
    }

    private void setter(ModelProperty p, int i) {
        if (p.setter == null) {
            return;
        }
        line("    @Override\n    public void " + p.setter + "(" + p.declared + " value) {");
        line("        if (realm$object == null) {\n            super." + p.setter + "(value);\n            return;\n        }");
        String set = "realm$object.set" + p.accessor() + "(" + i + ", value);";
        if (p.list) {
            line("        io.atoll." + p.collection + ".assign(realm$object, " + i + ", value);");
        } else if (p.counter) {
            line("        io.atoll.MutableRealmInteger.of(realm$object, " + i + ").set(value == null ? null : value.get());");
        } else if (p.isNumber() && !p.isPrimitive()) {
            line("        if (value == null) {\n            realm$object.setNull(" + i + ");\n        } else {\n            " + set
                    + "\n        }");
        } else {
            line("        " + set);
        }
        line("    }\n");
    }

    String mediator(String name, List<ModelClass> models) {
        line("package io.atoll.generated;\n");
        line("import io.atoll.internal.Mediator;");
        line("import io.atoll.internal.ObjectType;\n");
        line("/** Generated: the model classes of one compilation. */");
        line("public final class " + name + " implements Mediator {");
        line("    @Override\n    public ObjectType<?>[] types() {\n        return new ObjectType<?>[] {");
        for (ModelClass model : models) {
            line("            " + model.qualifiedProxy() + ".TYPE,");
        }
        line("        };\n    }\n}");
        return out.toString();
    }
}
