package io.atoll.mongodb.sync;

/**
 * How far a transfer is, in bytes before compression, which never become fewer. The fraction rises to 1, which it is only when
 * nothing is left; with something new to do it begins anew.
 */
public final class Progress {
    private final long transferred;
    private final long transferable;
    private final double fraction;

    Progress(long transferred, long transferable, double fraction) {
        this.transferred = transferred;
        this.transferable = transferable;
        this.fraction = fraction;
    }

    public long getTransferredBytes() {
        return transferred;
    }

    public long getTransferableBytes() {
        return transferable;
    }

    public double getFractionTransferred() {
        return fraction;
    }

    public boolean isTransferComplete() {
        return fraction >= 1;
    }

    @Override
    public String toString() {
        return transferred + " of " + transferable + " bytes, " + fraction;
    }
}
