package android.os;

/** What the library uses of Android's class of this name. */
public class Handler {
    private final Looper looper;

    public Handler(Looper looper) {
        this.looper = looper;
    }

    public final boolean post(Runnable work) {
        return looper.work.add(work);
    }
}
