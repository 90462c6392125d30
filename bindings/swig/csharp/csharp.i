/* Typemaps of C#. Everything that crosses is blittable. An error stays in the C wrapper, in a variable of the thread;
 * the generated method looks at a counter that both sides see and fetches the error only when it is not zero. */
%module NativeMethods

%pragma(csharp) moduleimports="#nullable enable\n"
%pragma(csharp) moduleclassmodifiers="internal static unsafe class"
%pragma(csharp) imclassclassmodifiers="internal static unsafe class"

%{
#include <stdatomic.h>

static _Atomic int32_t pending_count;           /* errors that wait in all threads together */
static _Thread_local atoll_error *pending_error; /* that of this thread */

static void keep_error(atoll_error *error)
{
    if (pending_error != NULL) {
        atoll_error_free(error);
        return;
    }
    pending_error = error;
    atomic_fetch_add_explicit(&pending_count, 1, memory_order_relaxed);
}

SWIGEXPORT const void *atoll_csharp_pending_count(void)
{
    return (const void *)&pending_count;
}

/* Hands the error of this thread to the caller, who reads it and calls atoll_csharp_error_free; NULL if there is none. */
SWIGEXPORT void *atoll_csharp_error_take(int32_t *status, const char **message, uintptr_t *message_size,
                                         int32_t *retryable)
{
    atoll_error *error = pending_error;
    if (error == NULL) return NULL;
    pending_error = NULL;
    atomic_fetch_sub_explicit(&pending_count, 1, memory_order_relaxed);
    *status = atoll_error_code(error);
    *message = atoll_error_message(error);
    *message_size = strlen(*message);
    *retryable = atoll_error_is_retryable(error);
    return error;
}

SWIGEXPORT void atoll_csharp_error_free(void *error)
{
    atoll_error_free(error);
}

static atoll_bytes text_view(const char *text)
{
    atoll_bytes view = {text, text == NULL ? 0 : strlen(text)};
    return view;
}
%}

%ignore ATOLL_CHECK; /* SWIG would wrap it as a constant */
#define ATOLL_CHECK "\n    NativeError.Check();"

%define %atoll_crossing(CTYPES, CNAME, CSNAME)
%typemap(ctype) CTYPES #CNAME
%typemap(imtype) CTYPES #CSNAME
%typemap(cstype) CTYPES #CSNAME
%typemap(csin) CTYPES "$csinput"
%typemap(in) CTYPES %{ $1 = ($1_ltype)$input; %}
%typemap(out) CTYPES %{ $result = $1; %}
%typemap(csout, excode=ATOLL_CHECK) CTYPES {
    CSNAME result = $imcall;$excode
    return result;
  }
%enddef

%atoll_crossing(int32_t, int32_t, int)
%atoll_crossing(int64_t, int64_t, long)
%atoll_crossing(uint32_t, uint32_t, uint)
%atoll_crossing(uint64_t, uint64_t, ulong)
%atoll_crossing(double, double, double)
%atoll_crossing(float, float, float)

%define %atoll_handle(T)
%atoll_crossing(T *, void *, global::System.IntPtr)
%enddef

%define %atoll_blocking(F)
%enddef

%typemap(in, numinputs=0) atoll_error **error (atoll_error *failed = NULL) %{ $1 = &failed; %}
%typemap(argout, canthrow=1) atoll_error **error %{ if (*$1 != NULL) keep_error(*$1); %}

%typemap(ctype) atoll_checked "void"
%typemap(imtype) atoll_checked "void"
%typemap(cstype) atoll_checked "void"
%typemap(out) atoll_checked %{ (void)$1; %}
%typemap(csout, excode=ATOLL_CHECK) atoll_checked {
    $imcall;$excode
  }
%typemap(csout, excode=ATOLL_CHECK) void {
    $imcall;$excode
  }

%typemap(ctype) bool "unsigned char"
%typemap(imtype) bool "byte"
%typemap(cstype) bool "bool"
%typemap(csin) bool "(byte)($csinput ? 1 : 0)"
%typemap(in) bool %{ $1 = $input != 0; %}
%typemap(out) bool %{ $result = $1 ? 1 : 0; %}
%typemap(csout, excode=ATOLL_CHECK) bool {
    bool result = $imcall != 0;$excode
    return result;
  }

%typemap(ctype) (const atoll_text_char *TEXT, size_t SIZE) "atoll_bytes"
%typemap(imtype) (const atoll_text_char *TEXT, size_t SIZE) "AtollBytes"
%typemap(cstype) (const atoll_text_char *TEXT, size_t SIZE) "string?"
%typemap(csin, pre="    byte* stack_$csinput = stackalloc byte[Utf8Text.StackSize];\n    using Utf8Text utf8_$csinput = new Utf8Text($csinput, stack_$csinput);") (const atoll_text_char *TEXT, size_t SIZE) "utf8_$csinput.Bytes"
%typemap(in) (const atoll_text_char *TEXT, size_t SIZE) %{ $1 = (char *)$input.data; $2 = $input.size; %}

%typemap(ctype) (const atoll_binary_char *BINARY, size_t SIZE) "atoll_bytes"
%typemap(imtype) (const atoll_binary_char *BINARY, size_t SIZE) "AtollBytes"
%typemap(cstype) (const atoll_binary_char *BINARY, size_t SIZE) "global::System.ReadOnlySpan<byte>"
%typemap(csin, pre="    fixed (byte* pin_$csinput = $csinput) {", terminator="    }") (const atoll_binary_char *BINARY, size_t SIZE) "new AtollBytes(pin_$csinput, (nuint)$csinput.Length)"
%typemap(in) (const atoll_binary_char *BINARY, size_t SIZE) %{ $1 = (char *)$input.data; $2 = $input.size; %}

%define %atoll_view(TYPE, CSNAME, TAKE, GIVE)
%typemap(ctype) TYPE "atoll_bytes"
%typemap(imtype) TYPE "AtollBytes"
%typemap(cstype) TYPE #CSNAME
%typemap(out) TYPE %{ $result = GIVE; %}
%typemap(csout, excode=ATOLL_CHECK) TYPE {
    AtollBytes result = $imcall;$excode
    return result.TAKE();
  }
%enddef
%atoll_view(atoll_text, string?, TakeText, $1)
%atoll_view(atoll_binary, byte[]?, TakeBytes, $1)
%atoll_view(atoll_c_text, string?, TakeText, text_view($1))

%typemap(ctype) atoll_timestamp "atoll_timestamp"
%typemap(imtype) atoll_timestamp "AtollTimestamp"
%typemap(cstype) atoll_timestamp "AtollTimestamp"
%typemap(csin) atoll_timestamp "$csinput"
%typemap(in) atoll_timestamp %{ $1 = $input; %}
%typemap(out) atoll_timestamp %{ $result = $1; %}
%typemap(csout, excode=ATOLL_CHECK) atoll_timestamp {
    AtollTimestamp result = $imcall;$excode
    return result;
  }
