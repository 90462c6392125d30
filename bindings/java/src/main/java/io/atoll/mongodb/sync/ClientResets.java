package io.atoll.mongodb.sync;

import io.atoll.Realm;
import io.atoll.internal.Constants;
import io.atoll.internal.EventHandler;
import io.atoll.internal.Native;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** Calls the strategy of one session's client resets, each reset on a thread of its own, which owns the realms that it opens. */
final class ClientResets implements EventHandler {
    /** Realms that this thread opens are only looked at: nothing is subscribed or waited for. */
    static final class Worker extends Thread {
        Worker(Runnable work) {
            super(work, "atoll-client-reset");
            setDaemon(true);
        }
    }

    private static final class Step {
        final boolean before;
        final boolean recovered;

        Step(boolean before, boolean recovered) {
            this.before = before;
            this.recovered = recovered;
        }
    }

    private final SyncSession session;
    private final AutomaticClientResetStrategy strategy;
    private BlockingQueue<Step> steps;

    ClientResets(SyncSession session, AutomaticClientResetStrategy strategy) {
        this.session = session;
        this.strategy = strategy;
    }

    /** On the thread of events. */
    @Override
    public void onEvent(long event) {
        Step step = new Step(Native.atoll_event_number(event, 0) == Constants.RESET_STEP_BEFORE,
                Native.atoll_event_number(event, 1) == 0);
        if (step.before || steps == null) {
            final BlockingQueue<Step> fresh = new LinkedBlockingQueue<>();
            steps = fresh;
            new Worker(new Runnable() {
                @Override
                public void run() {
                    answer(fresh);
                }
            }).start();
        }
        steps.add(step);
    }

    private void answer(BlockingQueue<Step> told) {
        try (Realm realm = Realm.getInstance(session.getConfiguration()); Realm before = realm.freeze()) {
            while (true) {
                Step step = told.take();
                try {
                    call(step, before, realm);
                } catch (Throwable thrown) {
                    session.continueReset(Constants.ERROR_INTERNAL, "the strategy of a client reset threw " + thrown);
                    return;
                }
                if (!step.before) {
                    break;
                }
                session.continueReset(0, "");
            }
        } catch (InterruptedException e) {
            session.continueReset(Constants.ERROR_INTERNAL, "the strategy of a client reset was interrupted");
            return;
        } catch (RuntimeException e) {
            session.continueReset(Constants.ERROR_INTERNAL, "the realm of a client reset could not be opened: " + e.getMessage());
            return;
        }
        session.continueReset(0, "");
    }

    private void call(Step step, Realm before, Realm realm) {
        if (step.before) {
            strategy.onBeforeReset(before);
            return;
        }
        realm.refresh();
        if (strategy instanceof DiscardUnsyncedChangesStrategy) {
            ((DiscardUnsyncedChangesStrategy) strategy).onAfterReset(before, realm);
        } else if (strategy instanceof RecoverUnsyncedChangesStrategy) {
            ((RecoverUnsyncedChangesStrategy) strategy).onAfterReset(before, realm);
        } else if (step.recovered) {
            ((RecoverOrDiscardUnsyncedChangesStrategy) strategy).onAfterRecovery(before, realm);
        } else {
            ((RecoverOrDiscardUnsyncedChangesStrategy) strategy).onAfterDiscard(before, realm);
        }
    }
}
