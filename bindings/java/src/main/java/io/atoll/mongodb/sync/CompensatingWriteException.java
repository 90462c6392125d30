package io.atoll.mongodb.sync;

import io.atoll.internal.Native;
import io.atoll.internal.Values;
import io.atoll.mongodb.AppException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The server took back writes that were not permitted; the realm has been mended already. */
public class CompensatingWriteException extends AppException {
    private static final long serialVersionUID = 1L;
    private final transient List<CompensatingWriteInfo> writes;

    CompensatingWriteException(int code, String message, Throwable cause, long event) {
        super(code, message, cause);
        List<CompensatingWriteInfo> found = new ArrayList<>();
        long values = Native.atoll_event_refused_writes(event);
        try {
            for (long i = 0; values != 0 && i + 2 < Native.atoll_values_count(values); i += 3) {
                found.add(new CompensatingWriteInfo((String) Values.read(values, i, String.class),
                        Values.read(values, i + 1, Object.class), (String) Values.read(values, i + 2, String.class)));
            }
        } finally {
            Native.atoll_values_free(values);
        }
        writes = Collections.unmodifiableList(found);
    }

    /** What was taken back; at most 10,000 are named. */
    public List<CompensatingWriteInfo> getWrites() {
        return writes;
    }
}
