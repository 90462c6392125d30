/* The low level of Python, C# and Java: one interface, one file of typemaps for each language.
 *
 * functions.i is generated from schema/abi and names its types by what they mean; SWIG is told nothing of those names
 * but the typemaps, so a type without a typemap shows up as a SWIGTYPE in the output. The file of a language defines:
 *   %atoll_handle(T)      how a handle crosses (as a number)
 *   %atoll_blocking(F)    what surrounds a call that may wait
 *   typemaps for atoll_text_char, atoll_binary_char (with their sizes), atoll_text, atoll_binary, atoll_c_text,
 *   atoll_timestamp, atoll_checked and atoll_error **error.
 */
%{
#include <atoll/atoll.h>
#include <string.h>

typedef char atoll_text_char;         /* UTF-8, with its size in the next parameter */
typedef char atoll_binary_char;       /* bytes, with their size in the next parameter */
typedef atoll_bytes atoll_text;       /* a result that is UTF-8 */
typedef atoll_bytes atoll_binary;     /* a result that is bytes */
typedef const char *atoll_c_text;     /* a result that ends with NUL and is never freed */
typedef atoll_status atoll_checked;   /* the call has no result but that it succeeded */
%}

%include <stdint.i>

#if defined(SWIGPYTHON)
%include "python/python.i"
#elif defined(SWIGCSHARP)
%include "csharp/csharp.i"
#elif defined(SWIGJAVA)
%include "java/java.i"
#else
#error "there are typemaps for Python, C# and Java only"
#endif

%include "functions.i"
