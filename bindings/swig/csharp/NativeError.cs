// How a failed native call becomes an exception.
#nullable enable
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Atoll.Native
{
    /// <summary>A failed native call, when no factory makes a better exception of it.</summary>
    public class AtollNativeException : Exception
    {
        internal AtollNativeException(int status, string message, bool retryable)
            : base(message)
        {
            Status = status;
            IsRetryable = retryable;
        }

        /// <summary>The code of the error table.</summary>
        public int Status { get; }

        /// <summary>Whether the same call may succeed later without a change of the program.</summary>
        public bool IsRetryable { get; }
    }

    /// <summary>
    /// The generated methods call <see cref="Check"/> after every native call that can fail. The native side counts the
    /// errors that wait in all threads; only while that is not zero the error of this thread is asked for.
    /// </summary>
    internal static unsafe class NativeError
    {
        private static readonly int* PendingCount = atoll_csharp_pending_count();

        /// <summary>Makes the exception of (status, message, retryable); set once by the layer above.</summary>
        public static Func<int, string, bool, Exception> Factory { get; set; } = NativeExceptions.Create;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Check()
        {
            if (*PendingCount != 0)
            {
                ThrowOwn();
            }
        }

        private static void ThrowOwn()
        {
            int status;
            byte* message;
            nuint size;
            int retryable;
            IntPtr error = atoll_csharp_error_take(&status, &message, &size, &retryable);
            if (error == IntPtr.Zero)
            {
                return;
            }
            string text = Encoding.UTF8.GetString(message, checked((int)size));
            atoll_csharp_error_free(error);
            throw Factory(status, text, retryable != 0);
        }

        [DllImport("atoll_csharp")]
        private static extern int* atoll_csharp_pending_count();

        [DllImport("atoll_csharp")]
        private static extern IntPtr atoll_csharp_error_take(int* status, byte** message, nuint* size, int* retryable);

        [DllImport("atoll_csharp")]
        private static extern void atoll_csharp_error_free(IntPtr error);
    }
}
