package io.atoll.internal;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;

/** All model classes that the program has. */
public final class Models {
    private static Map<Class<?>, ObjectType<?>> types;

    private Models() {
    }

    private static synchronized Map<Class<?>, ObjectType<?>> types() {
        if (types == null) {
            Map<Class<?>, ObjectType<?>> found = new LinkedHashMap<>();
            collect(ServiceLoader.load(Mediator.class, Models.class.getClassLoader()), found);
            ClassLoader context = Thread.currentThread().getContextClassLoader();
            if (context != null) {
                collect(ServiceLoader.load(Mediator.class, context), found);
            }
            types = found;
        }
        return types;
    }

    private static void collect(ServiceLoader<Mediator> mediators, Map<Class<?>, ObjectType<?>> into) {
        for (Mediator mediator : mediators) {
            for (ObjectType<?> type : mediator.types()) {
                into.put(type.model, type);
            }
        }
    }

    public static List<ObjectType<?>> all() {
        return new ArrayList<>(types().values());
    }

    /** The type of a model class or of its proxy. */
    @SuppressWarnings("unchecked")
    public static <T> ObjectType<T> of(Class<? extends T> model) {
        for (Class<?> c = model; c != null; c = c.getSuperclass()) {
            ObjectType<?> type = types().get(c);
            if (type != null) {
                return (ObjectType<T>) type;
            }
        }
        throw new IllegalArgumentException(model.getName() + " is no model class: extend RealmObject, or annotate it with "
                + "@RealmClass, and compile it with the Atoll annotation processor");
    }

    public static List<ObjectType<?>> of(Collection<Class<?>> models) {
        List<ObjectType<?>> found = new ArrayList<>();
        for (Class<?> model : models) {
            found.add(of(model));
        }
        return found;
    }
}
