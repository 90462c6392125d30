import io.atoll.internal.Constants;
import io.atoll.internal.Native;
import io.atoll.internal.NativeException;
import java.util.Arrays;

/** The low level of Java: values there and back, and an error. Usage: Smoke PATH_OF_LIBRARY */
public final class Smoke {
    private static final String TEXT = "palm \uD83C\uDF34\0\u00e9";

    private static void check(boolean fact, String what) {
        if (!fact) {
            throw new AssertionError(what);
        }
    }

    private static NativeException expectError(Runnable call) {
        try {
            call.run();
        } catch (NativeException error) {
            return error;
        }
        throw new AssertionError("the call did not fail");
    }

    public static void main(String[] arguments) {
        System.load(arguments[0]);
        long values = Native.atoll_values_new();
        StringBuilder big = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
            big.append(TEXT);
        }
        Native.atoll_values_add_string(values, TEXT);
        Native.atoll_values_add_binary(values, new byte[] {0, -1});
        Native.atoll_values_add_timestamp(values, new long[] {-5, 999999999});
        Native.atoll_values_add_int(values, Long.MIN_VALUE);
        Native.atoll_values_add_bool(values, true);
        Native.atoll_values_add_string(values, "\uD800");
        Native.atoll_values_add_string(values, big.toString());
        check(Native.atoll_values_count(values) == 7, "count");
        check(Native.atoll_values_get_string(values, 0).equals(TEXT), "text");
        check(Arrays.equals(Native.atoll_values_get_binary(values, 1), new byte[] {0, -1}), "binary");
        check(Arrays.equals(Native.atoll_values_get_timestamp(values, 2), new long[] {-5, 999999999}), "timestamp");
        check(Native.atoll_values_get_int(values, 3) == Long.MIN_VALUE, "int");
        check(Native.atoll_values_get_bool(values, 4), "bool");
        check(Native.atoll_values_get_string(values, 5).equals("\uFFFD"), "a lone surrogate");
        check(Native.atoll_values_get_string(values, 6).equals(big.toString()), "long text");
        NativeException error = expectError(() -> Native.atoll_values_get_int(values, 99));
        check(error instanceof Constants.OutOfRangeException, error.toString());
        check(error.getStatus() == Constants.ERROR_OUT_OF_RANGE && !error.isRetryable(), error.toString());
        check(!error.getMessage().isEmpty(), "message");
        expectError(() -> Native.atoll_values_add_uuid(values, new byte[5]));
        Native.atoll_values_free(values);
        Native.atoll_values_free(0);
        check(Native.atoll_status_name(105).equals("OUT_OF_RANGE"), "status name");
        System.out.println("java ok");
    }
}
