package io.atoll.internal;

import java.lang.reflect.Constructor;
import java.lang.reflect.Method;

/** The run loop of a thread, where the platform gives threads one: android.os.Looper, found by its name. */
public final class Loop {
    private static final Method MINE = find();

    private final Object handler;
    private final Method post;

    private Loop(Object handler, Method post) {
        this.handler = handler;
        this.post = post;
    }

    private static Method find() {
        try {
            return Class.forName("android.os.Looper").getMethod("myLooper");
        } catch (ReflectiveOperationException e) {
            return null; // No such platform.
        }
    }

    /** The loop of this thread; null if it has none. */
    public static Loop ofThread() {
        try {
            Object looper = MINE == null ? null : MINE.invoke(null);
            if (looper == null) {
                return null;
            }
            Class<?> type = Class.forName("android.os.Handler");
            Constructor<?> make = type.getConstructor(MINE.getReturnType());
            return new Loop(make.newInstance(looper), type.getMethod("post", Runnable.class));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the looper of this thread can't be used", e);
        }
    }

    /** Runs it on the loop's thread, later. */
    public void post(Runnable work) {
        try {
            post.invoke(handler, work);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the looper takes no more work", e);
        }
    }
}
