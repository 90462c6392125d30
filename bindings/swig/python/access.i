/* Attribute access without a line of Python: the base classes of the package's Property, ObjectBase and ClassInfo. A property
 * remembers under which number a class's info knows it and its type, and reads and writes objects with that info at once;
 * everything else is left to the methods _read and _write. Invariant: an object's native handle is what its _atoll_handle owns. */
%{
#include <stddef.h>
#include <structmember.h>

typedef struct info_core {
    PyObject_HEAD
    uint64_t number; /* no other info has it; not 0 */
} info_core;

typedef struct object_core {
    PyObject_HEAD
    PyObject *handle, *info;
    const atoll_object *object; /* of the handle; NULL: not stored */
    uint64_t number;            /* of the info; 0: none */
} object_core;

typedef struct property_core {
    PyObject_HEAD
    uint64_t number; /* of the info that `key` is of; 0: not known yet */
    uint32_t key;
    int type;
} property_core;

static PyTypeObject *info_type, *object_type;
static PyObject *read_name, *write_name, *pointer_name;

static PyObject *info_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    static uint64_t last;
    (void)arguments, (void)names;
    info_core *info = (info_core *)type->tp_alloc(type, 0);
    if (info != NULL) info->number = ++last;
    return (PyObject *)info;
}

static int object_set_handle(PyObject *self, PyObject *handle, void *closure)
{
    object_core *o = (object_core *)self;
    void *object = NULL;
    (void)closure;
    if (handle != NULL && handle != Py_None) {
        PyObject *pointer = PyObject_GetAttr(handle, pointer_name);
        if (pointer != NULL) object = PyLong_AsVoidPtr(pointer);
        Py_XDECREF(pointer);
        if (PyErr_Occurred()) return -1;
    }
    o->object = object;
    Py_XSETREF(o->handle, Py_XNewRef(handle));
    return 0;
}

static int object_set_info(PyObject *self, PyObject *info, void *closure)
{
    object_core *o = (object_core *)self;
    bool known = info != NULL && PyObject_TypeCheck(info, info_type);
    (void)closure;
    o->number = known ? ((info_core *)info)->number : 0;
    Py_XSETREF(o->info, Py_XNewRef(info));
    return 0;
}

static PyObject *object_get_handle(PyObject *self, void *closure)
{
    PyObject *handle = ((object_core *)self)->handle;
    (void)closure;
    return Py_NewRef(handle == NULL ? Py_None : handle);
}

static PyObject *object_get_info(PyObject *self, void *closure)
{
    PyObject *info = ((object_core *)self)->info;
    (void)closure;
    return Py_NewRef(info == NULL ? Py_None : info);
}

static int object_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((object_core *)self)->handle);
    Py_VISIT(((object_core *)self)->info);
    return 0;
}

static int object_clear(PyObject *self)
{
    object_core *o = (object_core *)self;
    o->object = NULL; /* the handle frees it */
    Py_CLEAR(o->handle);
    Py_CLEAR(o->info);
    return 0;
}

static void object_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    (void)object_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *read_fast(const property_core *p, const atoll_object *object)
{
    atoll_error *error = NULL;
    PyObject *result = NULL;
    atoll_bytes text;
    switch (p->type) {
    case ATOLL_TYPE_BOOL: result = PyBool_FromLong(atoll_object_get_bool(object, p->key, &error)); break;
    case ATOLL_TYPE_INT: result = PyLong_FromLongLong(atoll_object_get_int(object, p->key, &error)); break;
    case ATOLL_TYPE_DOUBLE: result = PyFloat_FromDouble(atoll_object_get_double(object, p->key, &error)); break;
    default:
        text = atoll_object_get_string(object, p->key, &error);
        result = text.data == NULL ? Py_NewRef(Py_None)
                                   : PyUnicode_DecodeUTF8(text.data, (Py_ssize_t)text.size, "replace");
        break;
    }
    if (error == NULL) return result;
    Py_CLEAR(result);
    raise_error(error);
    return NULL;
}

static PyObject *property_get(PyObject *self, PyObject *instance, PyObject *owner)
{
    const property_core *p = (const property_core *)self;
    (void)owner;
    if (instance == NULL || instance == Py_None) return Py_NewRef(self);
    if (PyObject_TypeCheck(instance, object_type)) {
        const object_core *o = (const object_core *)instance;
        if (o->number != 0 && o->number == p->number && o->object != NULL) return read_fast(p, o->object);
    }
    return PyObject_CallMethodOneArg(self, read_name, instance);
}

/* False: nothing was done, for the value is not exactly of the property's type. */
static bool write_fast(const property_core *p, const atoll_object *to, PyObject *value, atoll_error **error)
{
    atoll_object *object = (atoll_object *)(uintptr_t)to;
    int overflow = 0;
    switch (p->type) {
    case ATOLL_TYPE_BOOL:
        if (!PyBool_Check(value)) return false;
        atoll_object_set_bool(object, p->key, value == Py_True, error);
        return true;
    case ATOLL_TYPE_INT: {
        if (!PyLong_CheckExact(value)) return false;
        long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow == 0) atoll_object_set_int(object, p->key, number, error);
        return overflow == 0;
    }
    case ATOLL_TYPE_DOUBLE:
        if (!PyFloat_CheckExact(value)) return false;
        atoll_object_set_double(object, p->key, PyFloat_AS_DOUBLE(value), error);
        return true;
    default: {
        Py_ssize_t size = 0;
        const char *text = PyUnicode_CheckExact(value) ? PyUnicode_AsUTF8AndSize(value, &size) : NULL;
        if (text == NULL)
            PyErr_Clear(); /* the long way says what is wrong with it */
        else
            atoll_object_set_string(object, p->key, text, (size_t)size, error);
        return text != NULL;
    }
    }
}

static int property_set(PyObject *self, PyObject *instance, PyObject *value)
{
    const property_core *p = (const property_core *)self;
    atoll_error *error = NULL;
    bool done = false;
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "a property of an object cannot be deleted");
        return -1;
    }
    if (PyObject_TypeCheck(instance, object_type)) {
        const object_core *o = (const object_core *)instance;
        if (o->number != 0 && o->number == p->number && o->object != NULL)
            done = write_fast(p, o->object, value, &error);
    }
    if (error != NULL) {
        raise_error(error);
        return -1;
    }
    if (done) return 0;
    PyObject *result = PyObject_CallMethodObjArgs(self, write_name, instance, value, NULL);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* _remember(info, key, type): objects of that info are read and written at once from now on, if the type is one of these. */
static PyObject *property_remember(PyObject *self, PyObject *arguments)
{
    property_core *p = (property_core *)self;
    PyObject *info;
    unsigned int key;
    int type;
    if (!PyArg_ParseTuple(arguments, "O!Ii", info_type, &info, &key, &type)) return NULL;
    bool fast = type == ATOLL_TYPE_BOOL || type == ATOLL_TYPE_INT || type == ATOLL_TYPE_DOUBLE ||
                type == ATOLL_TYPE_STRING;
    if (fast) {
        p->number = ((info_core *)info)->number;
        p->key = key;
        p->type = type;
    }
    Py_RETURN_NONE;
}

static PyGetSetDef object_members[] = {
    {"_atoll_handle", object_get_handle, object_set_handle, "owns the native object; None: not stored", NULL},
    {"_atoll_info", object_get_info, object_set_info, "its class in its realm, or None", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyMethodDef property_methods[] = {
    {"_remember", property_remember, METH_VARARGS, "_remember(info, key, type)"},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot info_slots[] = {{Py_tp_new, info_new}, {0, NULL}};
static PyType_Slot object_slots[] = {{Py_tp_traverse, object_traverse}, {Py_tp_clear, object_clear},
                                     {Py_tp_dealloc, object_free},      {Py_tp_getset, object_members},
                                     {0, NULL}};
static PyType_Slot property_slots[] = {{Py_tp_descr_get, property_get}, {Py_tp_descr_set, property_set}, {Py_tp_methods, property_methods}, {0, NULL}};
static PyType_Spec info_spec = {"atoll._native.InfoCore", sizeof(info_core), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, info_slots};
static PyType_Spec object_spec = {"atoll._native.ObjectCore", sizeof(object_core), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, object_slots};
static PyType_Spec property_spec = {"atoll._native.PropertyCore", sizeof(property_core), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, property_slots};

static int access_begin(PyObject *module)
{
    PyObject *property_type = PyType_FromSpec(&property_spec);
    info_type = (PyTypeObject *)PyType_FromSpec(&info_spec);
    object_type = (PyTypeObject *)PyType_FromSpec(&object_spec);
    read_name = PyUnicode_InternFromString("_read");
    write_name = PyUnicode_InternFromString("_write");
    pointer_name = PyUnicode_InternFromString("pointer");
    if (property_type == NULL || info_type == NULL || object_type == NULL || read_name == NULL || write_name == NULL || pointer_name == NULL)
        return -1;
    if (PyModule_AddObjectRef(module, "PropertyCore", property_type) != 0) return -1;
    Py_DECREF(property_type);
    return PyModule_AddObjectRef(module, "InfoCore", (PyObject *)info_type) != 0 ||
                   PyModule_AddObjectRef(module, "ObjectCore", (PyObject *)object_type) != 0
               ? -1
               : 0;
}
%}

%init %{
    if (access_begin(m) != 0) return NULL;
%}
