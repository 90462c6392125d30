package io.atoll.internal;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A request on its way: wait for it, or be told. */
public final class Request<T> {
    /** Makes the result from the event of success. */
    public interface Make<T> {
        T make(long event);
    }

    /** Told once, on a background thread; one of the two is null. */
    public interface Done<T> {
        void done(T result, RuntimeException error);
    }

    private final CountDownLatch ended = new CountDownLatch(1);
    private T result;
    private RuntimeException error;

    public static <T> Request<T> begin(Dispatcher.Begin begin, final Make<T> make, final Done<T> done) {
        final Request<T> request = new Request<>();
        Dispatcher.get().add(begin, new EventHandler() {
            @Override
            public void onEvent(long event) {
                request.end(event, make);
                if (done != null) {
                    done.done(request.result, request.error);
                }
            }
        }, true);
        return request;
    }

    private void end(long event, Make<T> make) {
        try {
            int status = Native.atoll_event_status(event);
            if (status != 0) {
                error = Errors.make(status, Native.atoll_event_message(event), false);
            } else if (make != null) {
                result = make.make(event);
            }
        } catch (RuntimeException e) {
            error = e;
        } finally {
            ended.countDown();
        }
    }

    /** Waits for the end, and throws what it failed with. */
    public T get() {
        try {
            ended.await();
        } catch (InterruptedException e) {
            throw interrupted();
        }
        return value();
    }

    /** False if it has not ended after that time. */
    public boolean await(long timeout, TimeUnit unit) throws InterruptedException {
        if (!ended.await(timeout, unit)) {
            return false;
        }
        value();
        return true;
    }

    private T value() {
        if (error != null) {
            throw error;
        }
        return result;
    }

    private static RuntimeException interrupted() {
        Thread.currentThread().interrupt();
        return Errors.make(Constants.ERROR_CANCELLED, "the thread was interrupted while it waited", false);
    }
}
