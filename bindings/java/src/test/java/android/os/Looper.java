package android.os;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** What the library uses of Android's class of this name. */
public final class Looper {
    private static final ThreadLocal<Looper> MINE = new ThreadLocal<>();
    final BlockingQueue<Runnable> work = new LinkedBlockingQueue<>();
    private boolean quit;

    public static void prepare() {
        MINE.set(new Looper());
    }

    public static Looper myLooper() {
        return MINE.get();
    }

    /** Runs what is posted until quit() is called by it. */
    public static void loop() throws InterruptedException {
        Looper mine = myLooper();
        while (!mine.quit) {
            mine.work.take().run();
        }
    }

    public void quit() {
        quit = true;
    }
}
