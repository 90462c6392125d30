/* Typemaps of Java. Handles are longs; unsigned numbers keep their bits in the signed type of the same width; text is
 * converted between UTF-16 and real UTF-8 here, because JNI's own conversions lose U+0000 and what lies beyond U+FFFF. */
%module Native

%pragma(java) moduleclassmodifiers="public final class"
%pragma(java) jniclassclassmodifiers="final class"

%{
#include <stdint.h>
#include <stdlib.h>

enum { STACK_SIZE = 384 }; /* bytes of text or binary that need no allocation */

static jclass exception_maker; /* io.atoll.internal.NativeException */
static jmethodID make_exception;

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *machine, void *reserved)
{
    JNIEnv *jenv;
    (void)reserved;
    if ((*machine)->GetEnv(machine, (void **)&jenv, JNI_VERSION_1_6) != JNI_OK) return JNI_ERR;
    jclass found = (*jenv)->FindClass(jenv, "io/atoll/internal/NativeException");
    if (found == NULL) return JNI_ERR;
    exception_maker = (*jenv)->NewGlobalRef(jenv, found);
    make_exception = (*jenv)->GetStaticMethodID(jenv, exception_maker, "make",
                                                "(ILjava/lang/String;Z)Ljava/lang/RuntimeException;");
    return make_exception == NULL ? JNI_ERR : JNI_VERSION_1_6;
}

/* One code point from UTF-8; ill-formed bytes become U+FFFD one by one. */
static uint32_t next_code_point(const unsigned char *text, size_t size, size_t *position)
{
    size_t at = *position;
    uint32_t first = text[at];
    size_t more = first < 0x80 ? 0 : first >= 0xC2 && first < 0xE0 ? 1 : (first & 0xF0) == 0xE0 ? 2
                                                            : first >= 0xF0 && first < 0xF5 ? 3 : 4;
    *position = at + 1;
    if (more == 0) return first;
    if (more == 4 || more > size - at - 1) return 0xFFFD;
    uint32_t point = first & (0x3FU >> more);
    for (size_t i = 1; i <= more; i++) {
        if ((text[at + i] & 0xC0) != 0x80) return 0xFFFD;
        point = point << 6 | (text[at + i] & 0x3FU);
    }
    *position = at + 1 + more;
    return point > 0x10FFFF ? 0xFFFD : point;
}

static jstring text_to_java(JNIEnv *jenv, const char *text, size_t size)
{
    jchar stack[STACK_SIZE];
    if (text == NULL) return NULL;
    jchar *units = size <= STACK_SIZE ? stack : malloc(size * sizeof *units);
    if (units == NULL) return NULL;
    jsize count = 0;
    for (size_t position = 0; position < size;) {
        uint32_t point = next_code_point((const unsigned char *)text, size, &position);
        if (point < 0x10000) {
            units[count++] = (jchar)point;
        } else {
            units[count++] = (jchar)(0xD800 + ((point - 0x10000) >> 10));
            units[count++] = (jchar)(0xDC00 + ((point - 0x10000) & 0x3FF));
        }
    }
    jstring result = (*jenv)->NewString(jenv, units, count);
    if (units != stack) free(units);
    return result;
}

/* UTF-16 as UTF-8; a lone surrogate becomes U+FFFD. `out` has room for three bytes a unit. */
static size_t units_to_text(const jchar *units, jsize count, char *out)
{
    size_t size = 0;
    for (jsize i = 0; i < count; i++) {
        uint32_t point = units[i];
        if (point >= 0xD800 && point < 0xE000) {
            int paired = point < 0xDC00 && i + 1 < count && units[i + 1] >= 0xDC00 && units[i + 1] < 0xE000;
            point = paired ? 0x10000 + ((point - 0xD800) << 10) + (units[i + 1] - 0xDC00U) : 0xFFFD;
            i += paired;
        }
        if (point < 0x80) {
            out[size++] = (char)point;
            continue;
        }
        int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
        static const unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};
        out[size++] = (char)(lead[more] | point >> (6 * more));
        while (more-- > 0) out[size++] = (char)(0x80 | (point >> (6 * more) & 0x3F));
    }
    return size;
}

/* Puts a Java string as UTF-8 into `stack` or, if it is long, into new memory; NULL with a pending OutOfMemoryError. */
static char *java_to_text(JNIEnv *jenv, jstring text, char *stack, size_t *size)
{
    jsize count = (*jenv)->GetStringLength(jenv, text);
    char *out = (size_t)count * 3 <= STACK_SIZE ? stack : malloc((size_t)count * 3);
    const jchar *units = out == NULL ? NULL : (*jenv)->GetStringCritical(jenv, text, NULL);
    if (units == NULL) {
        if (out != stack) free(out);
        SWIG_JavaThrowException(jenv, SWIG_JavaOutOfMemoryError, "text for the core");
        return NULL;
    }
    *size = units_to_text(units, count, out);
    (*jenv)->ReleaseStringCritical(jenv, text, units);
    return out;
}

static char *java_to_binary(JNIEnv *jenv, jbyteArray bytes, char *stack, size_t *size)
{
    jsize count = (*jenv)->GetArrayLength(jenv, bytes);
    char *out = count <= STACK_SIZE ? stack : malloc((size_t)count);
    if (out == NULL) {
        SWIG_JavaThrowException(jenv, SWIG_JavaOutOfMemoryError, "bytes for the core");
        return NULL;
    }
    (*jenv)->GetByteArrayRegion(jenv, bytes, 0, count, (jbyte *)out);
    *size = (size_t)count;
    return out;
}

static jbyteArray binary_to_java(JNIEnv *jenv, atoll_bytes bytes)
{
    if (bytes.data == NULL) return NULL;
    jbyteArray result = (*jenv)->NewByteArray(jenv, (jsize)bytes.size);
    if (result != NULL) (*jenv)->SetByteArrayRegion(jenv, result, 0, (jsize)bytes.size, (const jbyte *)bytes.data);
    return result;
}

static jlongArray timestamp_to_java(JNIEnv *jenv, atoll_timestamp timestamp)
{
    jlong parts[2] = {timestamp.seconds, timestamp.nanoseconds};
    jlongArray result = (*jenv)->NewLongArray(jenv, 2);
    if (result != NULL) (*jenv)->SetLongArrayRegion(jenv, result, 0, 2, parts);
    return result;
}

/* Throws what the error says and frees it. */
static void throw_error(JNIEnv *jenv, atoll_error *error)
{
    const char *message = atoll_error_message(error);
    jstring text = text_to_java(jenv, message, strlen(message));
    jint code = atoll_error_code(error);
    jboolean retryable = atoll_error_is_retryable(error);
    atoll_error_free(error);
    if (text == NULL) return;
    jobject made = (*jenv)->CallStaticObjectMethod(jenv, exception_maker, make_exception, code, text, retryable);
    if ((*jenv)->ExceptionCheck(jenv)) return;
    if (made != NULL) (*jenv)->Throw(jenv, (jthrowable)made);
}
%}

%define %atoll_crossing(CTYPES, JNI, JAVA)
%typemap(jni) CTYPES #JNI
%typemap(jtype) CTYPES #JAVA
%typemap(jstype) CTYPES #JAVA
%typemap(javain) CTYPES "$javainput"
%typemap(javaout) CTYPES {
    return $jnicall;
  }
%typemap(in) CTYPES %{ $1 = ($1_ltype)$input; %}
%typemap(out) CTYPES %{ $result = (JNI)$1; %}
%enddef

%atoll_crossing(int32_t, jint, int)
%atoll_crossing(int64_t, jlong, long)
%atoll_crossing(uint32_t, jint, int)
%atoll_crossing(uint64_t, jlong, long)
%atoll_crossing(bool, jboolean, boolean)
%atoll_crossing(atoll_text, jstring, String)
%typemap(out) atoll_text %{ $result = text_to_java(jenv, $1.data, $1.size); %}
%atoll_crossing(atoll_c_text, jstring, String)
%typemap(out) atoll_c_text %{ $result = text_to_java(jenv, $1, $1 == NULL ? 0 : strlen($1)); %}
%atoll_crossing(atoll_binary, jbyteArray, byte[])
%typemap(out) atoll_binary %{ $result = binary_to_java(jenv, $1); %}
%atoll_crossing(atoll_timestamp, jlongArray, long[])
%typemap(in) atoll_timestamp (jlong parts[2]) {
    if ($input == NULL || (*jenv)->GetArrayLength(jenv, $input) != 2) {
        SWIG_JavaThrowException(jenv, SWIG_JavaIllegalArgumentException, "a timestamp is {seconds, nanoseconds}");
        return $null;
    }
    (*jenv)->GetLongArrayRegion(jenv, $input, 0, 2, parts);
    $1.seconds = parts[0];
    $1.nanoseconds = parts[1] >= 0 && parts[1] < 1000000000 ? (int32_t)parts[1] : -1; /* the core refuses -1 */
    $1.zero = 0;
}
%typemap(out) atoll_timestamp %{ $result = timestamp_to_java(jenv, $1); %}

%define %atoll_handle(T)
%atoll_crossing(T *, jlong, long)
%typemap(in) T * %{ $1 = (T *)(intptr_t)$input; %}
%typemap(out) T * %{ $result = (jlong)(intptr_t)$1; %}
%enddef

%define %atoll_blocking(F)
%enddef

%typemap(in, numinputs=0) atoll_error **error (atoll_error *failed = NULL) %{ $1 = &failed; %}
%typemap(argout) atoll_error **error %{ if (*$1 != NULL) throw_error(jenv, *$1); %}

%typemap(jni) atoll_checked "void"
%typemap(jtype) atoll_checked "void"
%typemap(jstype) atoll_checked "void"
%typemap(out) atoll_checked %{ (void)$1; %}
%typemap(javaout) atoll_checked {
    $jnicall;
  }

%define %atoll_view_in(TYPE, NAME, JNI, JAVA, CONVERT)
%typemap(jni) (const TYPE *NAME, size_t SIZE) #JNI
%typemap(jtype) (const TYPE *NAME, size_t SIZE) #JAVA
%typemap(jstype) (const TYPE *NAME, size_t SIZE) #JAVA
%typemap(javain) (const TYPE *NAME, size_t SIZE) "$javainput"
%typemap(in) (const TYPE *NAME, size_t SIZE) (char stack[STACK_SIZE], char *view = NULL, size_t size = 0) {
    if ($input != NULL) {
        view = CONVERT(jenv, $input, stack, &size);
        if (view == NULL) return $null;
    }
    $1 = view;
    $2 = size;
}
%typemap(freearg) (const TYPE *NAME, size_t SIZE) %{ if (view$argnum != stack$argnum) free(view$argnum); %}
%enddef
%atoll_view_in(atoll_text_char, TEXT, jstring, String, java_to_text)
%atoll_view_in(atoll_binary_char, BINARY, jbyteArray, byte[], java_to_binary)
