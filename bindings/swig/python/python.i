/* Typemaps of Python. Handles are ints, null is None; an error becomes the exception that the factory makes. */
%module(package="atoll") native

%{
static PyObject *error_class;   /* NativeError, raised while there is no factory */
static PyObject *error_factory; /* callable (status, message, retryable) -> exception, or NULL */

/* Turns an error into the pending Python exception and frees it. */
static void raise_error(atoll_error *error)
{
    const char *text = atoll_error_message(error);
    PyObject *message = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    int code = atoll_error_code(error);
    PyObject *retryable = atoll_error_is_retryable(error) ? Py_True : Py_False;
    atoll_error_free(error);
    if (message == NULL) return;
    if (error_factory == NULL) {
        PyObject *arguments = Py_BuildValue("(iNO)", code, message, retryable);
        if (arguments == NULL) return;
        PyErr_SetObject(error_class, arguments);
        Py_DECREF(arguments);
        return;
    }
    PyObject *made = PyObject_CallFunction(error_factory, "iNO", code, message, retryable);
    if (made == NULL) return;
    if (PyExceptionInstance_Check(made))
        PyErr_SetObject((PyObject *)Py_TYPE(made), made);
    else
        PyErr_SetString(PyExc_TypeError, "the error factory must return an exception");
    Py_DECREF(made);
}

static PyObject *set_error_factory(PyObject *module, PyObject *arguments)
{
    PyObject *factory;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O", &factory)) return NULL;
    if (factory != Py_None && !PyCallable_Check(factory)) {
        PyErr_SetString(PyExc_TypeError, "the error factory must be callable or None");
        return NULL;
    }
    PyObject *old = error_factory;
    error_factory = factory == Py_None ? NULL : Py_NewRef(factory);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}
%}

%native(set_error_factory) PyObject *set_error_factory(PyObject *module, PyObject *arguments);

%init %{
    error_class = PyErr_NewExceptionWithDoc("atoll._native.NativeError", "(status, message, retryable) of a failed call",
                                            PyExc_RuntimeError, NULL);
    if (error_class == NULL) return NULL;
    PyModule_AddObject(m, "NativeError", Py_NewRef(error_class));
%}

%include "python/access.i"

%typemap(in, numinputs=0) atoll_error **error (atoll_error *failed = NULL) { $1 = &failed; }
%typemap(argout) atoll_error **error {
    if (*$1 != NULL) {
        Py_CLEAR($result);
        raise_error(*$1);
        SWIG_fail;
    }
}

%typemap(out) atoll_checked { (void)$1; $result = Py_NewRef(Py_None); }

%define %atoll_handle(T)
%typemap(in) T * {
    $1 = NULL;
    if ($input != Py_None) {
        $1 = (T *)PyLong_AsVoidPtr($input);
        if ($1 == NULL && PyErr_Occurred()) SWIG_fail;
    }
}
%typemap(out) T * { $result = $1 == NULL ? Py_NewRef(Py_None) : PyLong_FromVoidPtr((void *)$1); }
%enddef

/* The interpreter goes on in other threads while the call waits. Text arguments stay alive: they are immutable and
 * the caller's argument tuple holds them. */
%define %atoll_blocking(F)
%exception F {
    Py_BEGIN_ALLOW_THREADS
    $action
    Py_END_ALLOW_THREADS
}
%enddef

%typemap(in) (const atoll_text_char *TEXT, size_t SIZE) (Py_ssize_t size = 0) {
    if ($input == Py_None) {
        $1 = NULL;
    } else if (PyUnicode_Check($input)) {
        $1 = ($1_ltype)PyUnicode_AsUTF8AndSize($input, &size);
        if ($1 == NULL) SWIG_fail;
    } else if (PyBytes_Check($input)) {
        $1 = PyBytes_AS_STRING($input);
        size = PyBytes_GET_SIZE($input);
    } else {
        PyErr_Format(PyExc_TypeError, "$symname: argument $argnum must be str, not %s", Py_TYPE($input)->tp_name);
        SWIG_fail;
    }
    $2 = (size_t)size;
}

%typemap(in) (const atoll_binary_char *BINARY, size_t SIZE) (Py_buffer view) {
    memset(&view, 0, sizeof view);
    if ($input == Py_None) {
        $1 = NULL;
    } else {
        if (PyObject_GetBuffer($input, &view, PyBUF_SIMPLE) != 0) SWIG_fail;
        $1 = ($1_ltype)view.buf;
    }
    $2 = (size_t)view.len;
}
%typemap(freearg) (const atoll_binary_char *BINARY, size_t SIZE) { if (view$argnum.obj != NULL) PyBuffer_Release(&view$argnum); }

%typemap(out) atoll_text {
    $result = $1.data == NULL ? Py_NewRef(Py_None) : PyUnicode_DecodeUTF8($1.data, (Py_ssize_t)$1.size, "replace");
}
%typemap(out) atoll_binary {
    $result = $1.data == NULL ? Py_NewRef(Py_None) : PyBytes_FromStringAndSize($1.data, (Py_ssize_t)$1.size);
}
%typemap(out) atoll_c_text { $result = PyUnicode_FromString($1); }

%typemap(in) atoll_timestamp {
    long long seconds;
    int nanoseconds;
    if (!PyTuple_Check($input)) {
        PyErr_SetString(PyExc_TypeError, "$symname: a timestamp is a tuple (seconds, nanoseconds)");
        SWIG_fail;
    }
    if (!PyArg_ParseTuple($input, "Li", &seconds, &nanoseconds)) SWIG_fail;
    $1.seconds = seconds;
    $1.nanoseconds = nanoseconds;
    $1.zero = 0;
}
%typemap(out) atoll_timestamp { $result = Py_BuildValue("(Li)", (long long)$1.seconds, (int)$1.nanoseconds); }
