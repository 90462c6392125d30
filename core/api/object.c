/* atoll_object: reading and writing one object. It must never cache a value: each call asks the realm's version.
 * Invariant: only atoll_results_move changes what a handle stands for; the row may die under it (OBJECT_INVALID). */
#include "api/api.h"

void atoll_object_free(atoll_object *object)
{
    if (object == NULL) return;
    atoll_realm *realm = object->realm;
    bool keep = API_SPARE_OBJECTS != 0 && realm->thread == thread_self() &&
                realm->spare_count < API_SPARE_OBJECTS;
    if (keep)
        realm->spare_objects[realm->spare_count++] = object;
    else
        memory_free(object);
    realm_release(realm);
}

atoll_object *atoll_object_copy(const atoll_object *object, atoll_error **error)
{
    atoll_object *copy = NULL;
    status result = API_NOT_NULL(object);
    if (result == ATOLL_OK)
        result = realm_object_new(object->realm, object->class_of, object->row, &copy);
    return api_ok(error, result) ? copy : NULL;
}

bool atoll_object_is_valid(const atoll_object *object)
{
    return object != NULL && object_check(object) == ATOLL_OK;
}

uint32_t atoll_object_class(const atoll_object *object)
{
    return object == NULL ? 0 : object->class_of;
}

uint64_t atoll_object_row(const atoll_object *object)
{
    return object == NULL ? 0 : object->row;
}

bool atoll_object_equals(const atoll_object *object, const atoll_object *other)
{
    if (object == NULL || other == NULL) return object == other;
    return object->realm->database == other->realm->database &&
           object->class_of == other->class_of && object->row == other->row;
}

static status object_dead(const atoll_object *object)
{
    const model_class *c =
        schema_class(model_view_schema(realm_view(object->realm)), object->class_of);
    if (c != NULL && c->kind == CLASS_ASYMMETRIC)
        return fail(ATOLL_ERROR_OBJECT_INVALID,
                    "Attempted to access detached row: %s is asymmetric, its objects leave the "
                    "device at the commit",
                    c->name);
    return fail(ATOLL_ERROR_OBJECT_INVALID,
                "Attempted to access detached row: this %s object was deleted",
                c == NULL ? "?" : c->name);
}

/* The realm was checked. */
static status check_alive(const atoll_object *object)
{
    bool alive;
    TRY(model_is_alive(realm_view(object->realm), object->class_of, object->row, &alive));
    return alive ? ATOLL_OK : object_dead(object);
}

status object_check(const atoll_object *object)
{
    TRY(API_NOT_NULL(object));
    TRY(realm_check(object->realm));
    return check_alive(object);
}

static status check_write(atoll_object *object)
{
    TRY(API_NOT_NULL(object));
    TRY(realm_check_write(object->realm));
    TRY(check_alive(object));
    return realm_check_class_write(object->realm, object->class_of);
}

static status object_delete(atoll_object *object)
{
    TRY(check_write(object));
    object->realm->write_count++;
    return model_delete(object->realm->txn, object->class_of, object->row);
}

atoll_status atoll_object_delete(atoll_object *object, atoll_error **error)
{
    API_CALL_OF(object);
    return api_result(error, object_delete(object));
}

atoll_object *atoll_object_parent(const atoll_object *object, atoll_error **error)
{
    API_CALL_OF(object);
    model_owner owner;
    atoll_object *parent = NULL;
    status result = object_check(object);
    if (result == ATOLL_OK)
        result = model_owner_get(realm_view(object->realm), object->class_of, object->row, &owner);
    if (result == ATOLL_OK)
        result = realm_object_new(object->realm, owner.class_of, owner.row, &parent);
    return api_ok(error, result) ? parent : NULL;
}

static inline api_window *window_place(const atoll_object *object, property_key p)
{
    return realm_window(object->realm, object->class_of, object->row, p);
}

/* Reads all over a big class close each other's windows: then there are more of them. */
static void windows_grow(atoll_realm *realm)
{
    uint32_t count = realm->window_count * 8;
    if (count > API_WINDOWS_MAX || ++realm->window_losses < realm->window_count * 4) return;
    realm->window_losses = 0;
    api_window *more = memory_allocate_zero(count * (sizeof *more + sizeof *realm->opened));
    if (more == NULL) return; /* slower, not wrong */
    realm_close_windows(realm);
    if (realm->windows != realm->few_windows) memory_free(realm->windows);
    realm->windows = more;
    realm->opened = (uint32_t *)(void *)(more + count);
    realm->window_count = count;
}

/* The window that shows a property of an object which is alive, in a realm that this thread may read. NULL: none is
 * open, or something is wrong; read_property finds out which. The thread comes first: windows belong to it. */
static inline const api_window *window_of(const atoll_object *object, property_key p)
{
    if (object == NULL || object->realm->thread != thread_self() ||
        object->realm->process != process_self())
        return NULL;
    const api_window *w = window_place(object, p);
    bool open = w->write_count == object->realm->write_count &&
                w->segment == object->row / MODEL_BLOCK_ROWS && w->property == p &&
                w->class_of == object->class_of;
    return open && model_window_bit(w->window.alive, object->row) ? w : NULL;
}

static void recent_add(property_key recent[API_READ_RECENT], property_key p)
{
    size_t at = 0;
    while (at < API_READ_RECENT - 1 && recent[at] != p) at++;
    memmove(recent + 1, recent, at * sizeof *recent);
    recent[0] = p;
}

/* Each place is listed once, however often its window opens and closes. */
static void window_list(atoll_realm *realm, api_window *w, bool open)
{
    if (open && w->write_count == 0)
        realm->opened[realm->opened_count++] = (uint32_t)(w - realm->windows);
    if (open)
        w->write_count = realm->write_count;
    else if (w->write_count != 0)
        w->write_count = API_WINDOW_CLOSED;
}

static void window_open(const atoll_object *object, property_key p)
{
    if (object->realm->frozen) return; /* several threads may read it at once */
    if (window_place(object, p)->write_count == object->realm->write_count)
        windows_grow(object->realm);
    api_window *w = window_place(object, p);
    model_window_close(&w->window);
    bool open =
        model_window_open(realm_view(object->realm), object->class_of, object->row, p, &w->window);
    window_list(object->realm, w, open);
    w->segment = object->row / MODEL_BLOCK_ROWS;
    w->class_of = object->class_of;
    w->property = p;
    recent_add(object->realm->read_recent, p);
}

/* The number in a column of that type, or NULL when the long way must be taken. *null: it is null. */
static inline const int64_t *window_word(const atoll_object *object, property_key p,
                                         value_type type, bool *null)
{
    const api_window *w = window_of(object, p);
    if (w == NULL || w->window.property->type != type) return NULL;
    *null = w->window.null_bits != NULL && model_window_bit(w->window.null_bits, object->row);
    return w->window.words + object->row % MODEL_BLOCK_ROWS;
}

static status read_failed(const atoll_object *object, const model_property *property, status why)
{
    if (property == NULL || why == ATOLL_ERROR_OBJECT_INVALID) TRY(object_check(object));
    if (property != NULL && (property->flags & PROPERTY_COLLECTION) != 0)
        return fail(ATOLL_ERROR_TYPE_MISMATCH,
                    "%s is a collection; use atoll_object_get_list, _set or _dictionary",
                    property->name);
    return why;
}

/* Reads a property; type VALUE_NULL means any. A null has type VALUE_NULL in *out. One look at the row: it is the path
 * of every getter, and object_check would look once more. */
static status read_property(const atoll_object *object, property_key p, value_type type,
                            const model_property **property, value *out)
{
    API_CALL_OF(object);
    *property = NULL;
    TRY(API_NOT_NULL(object));
    TRY(realm_check(object->realm));
    status result =
        model_read(realm_view(object->realm), object->class_of, object->row, p, property, out);
    if (result != ATOLL_OK) return read_failed(object, *property, result);
    bool held = (*property)->type == VALUE_MIXED && (out->type == type || out->type == VALUE_NULL);
    if (type != VALUE_NULL && (*property)->type != type && !held)
        return fail(
            ATOLL_ERROR_TYPE_MISMATCH, "%s is a %s, not a %s", (*property)->name,
            value_type_name((*property)->type == VALUE_MIXED ? out->type : (*property)->type),
            value_type_name(type));
    window_open(object, p);
    return ATOLL_OK;
}

static bool read_typed(const atoll_object *object, property_key p, value_type type, value *out,
                       atoll_error **error)
{
    const model_property *property;
    const api_window *w = window_of(object, p);
    if (w != NULL && w->window.property->type == type) {
        model_window_get(&w->window, object->row, out);
        return out->type != VALUE_NULL;
    }
    return api_ok(error, read_property(object, p, type, &property, out)) && out->type != VALUE_NULL;
}

static status backlinks(const atoll_object *object, class_key from, property_key p,
                        atoll_results **out)
{
    query *q = NULL;
    TRY(object_check(object));
    TRY(query_backlinks(model_view_schema(realm_view(object->realm)), object->class_of, object->row,
                        from, p, &q));
    return results_make(object->realm, q, out);
}

atoll_results *atoll_object_backlinks(const atoll_object *object, uint32_t class_key,
                                      uint32_t property, atoll_error **error)
{
    atoll_results *results = NULL;
    return api_ok(error, backlinks(object, class_key, property, &results)) ? results : NULL;
}

static status backlink_count(const atoll_object *object, uint64_t *out)
{
    TRY(object_check(object));
    const model_view *view = realm_view(object->realm);
    const model_class *c = schema_class(model_view_schema(view), object->class_of);
    if (c == NULL || c->kind != CLASS_EMBEDDED)
        return model_backlink_count(view, object->class_of, object->row, out);
    *out = 1;
    return ATOLL_OK;
}

int64_t atoll_object_backlink_count(const atoll_object *object, atoll_error **error)
{
    uint64_t count = 0;
    return api_ok(error, backlink_count(object, &count)) ? (int64_t)count : 0;
}

bool atoll_object_is_null(const atoll_object *object, uint32_t property, atoll_error **error)
{
    const model_property *p;
    const api_window *w = window_of(object, property);
    if (w != NULL)
        return w->window.null_bits != NULL && model_window_bit(w->window.null_bits, object->row);
    value v;
    return api_ok(error, read_property(object, property, VALUE_NULL, &p, &v)) &&
           v.type == VALUE_NULL;
}

bool atoll_object_get_bool(const atoll_object *object, uint32_t property, atoll_error **error)
{
    value v;
    const api_window *w = window_of(object, property);
    if (w != NULL && w->window.property->type == VALUE_BOOL) {
        bool null =
            w->window.null_bits != NULL && model_window_bit(w->window.null_bits, object->row);
        const uint64_t *bits = (const uint64_t *)(const void *)w->window.words;
        return !null && model_window_bit(bits, object->row);
    }
    return read_typed(object, property, VALUE_BOOL, &v, error) && v.as.boolean;
}

int64_t atoll_object_get_int(const atoll_object *object, uint32_t property, atoll_error **error)
{
    value v;
    bool null;
    const int64_t *word = window_word(object, property, VALUE_INT, &null);
    if (word != NULL) return null ? 0 : *word;
    return read_typed(object, property, VALUE_INT, &v, error) ? v.as.integer : 0;
}

double atoll_object_get_double(const atoll_object *object, uint32_t property, atoll_error **error)
{
    value v;
    bool null;
    const int64_t *word = window_word(object, property, VALUE_DOUBLE, &null);
    if (word != NULL) {
        memcpy(&v.as.real, word, sizeof v.as.real);
        return null ? 0 : v.as.real;
    }
    return read_typed(object, property, VALUE_DOUBLE, &v, error) ? v.as.real : 0;
}

float atoll_object_get_float(const atoll_object *object, uint32_t property, atoll_error **error)
{
    value v;
    bool null;
    const int64_t *word = window_word(object, property, VALUE_FLOAT, &null);
    if (word != NULL) {
        memcpy(&v.as.real, word, sizeof v.as.real);
        return null ? 0 : (float)v.as.real;
    }
    return read_typed(object, property, VALUE_FLOAT, &v, error) ? (float)v.as.real : 0;
}

atoll_bytes atoll_object_get_decimal128_text(const atoll_object *object, uint32_t property,
                                             atoll_error **error)
{
    value v;
    if (!read_typed(object, property, VALUE_DECIMAL, &v, error)) return (atoll_bytes){NULL, 0};
    return decimal_text_of_value(&v);
}

/* A text has to last until the next call: the window holds the block that it lies in, or it is copied. */
static status read_text(const atoll_object *object, property_key p, value_type type, value *out)
{
    const model_property *property;
    API_CALL_OF(object);
    TRY(read_property(object, p, type, &property, out));
    const api_window *w = window_of(object, p);
    if (w != NULL) {
        model_window_get(&w->window, object->row, out);
        return ATOLL_OK;
    }
    if (object->realm->frozen || out->type == VALUE_NULL) return ATOLL_OK;
    buffer *text = &object->realm->text;
    buffer_clear(text);
    TRY(buffer_append(text, out->as.text.data, out->as.text.size));
    out->as.text = buffer_view(text);
    return ATOLL_OK;
}

static atoll_bytes get_text(const atoll_object *object, property_key p, value_type type,
                            atoll_error **error)
{
    value v;
    const api_window *w = window_of(object, p);
    if (w != NULL && w->window.property->type == type) {
        bytes text = model_window_text(&w->window, object->row);
        return (atoll_bytes){(const char *)text.data, text.size};
    }
    if (!api_ok(error, read_text(object, p, type, &v)) || v.type == VALUE_NULL)
        return (atoll_bytes){NULL, 0};
    /* An empty text still has an address: only null has none. */
    return (atoll_bytes){v.as.text.data == NULL ? "" : (const char *)v.as.text.data,
                         v.as.text.size};
}

atoll_bytes atoll_object_get_string(const atoll_object *object, uint32_t property,
                                    atoll_error **error)
{
    return get_text(object, property, VALUE_STRING, error);
}

atoll_bytes atoll_object_get_binary(const atoll_object *object, uint32_t property,
                                    atoll_error **error)
{
    return get_text(object, property, VALUE_BINARY, error);
}

atoll_timestamp atoll_object_get_timestamp(const atoll_object *object, uint32_t property,
                                           atoll_error **error)
{
    value v;
    if (!read_typed(object, property, VALUE_TIMESTAMP, &v, error))
        return (atoll_timestamp){0, 0, 0};
    return timestamp_of_value(&v);
}

static atoll_bytes get_id(const atoll_object *object, property_key p, value_type type, size_t size,
                          atoll_error **error)
{
    static _Thread_local char last[16]; /* borrowed until the next call, as the contract says */
    value v;
    if (!read_typed(object, p, type, &v, error)) return (atoll_bytes){NULL, 0};
    memcpy(last, v.as.id, size);
    return (atoll_bytes){last, size};
}

atoll_bytes atoll_object_get_uuid(const atoll_object *object, uint32_t property,
                                  atoll_error **error)
{
    return get_id(object, property, VALUE_UUID, 16, error);
}

atoll_bytes atoll_object_get_decimal128(const atoll_object *object, uint32_t property,
                                        atoll_error **error)
{
    return get_id(object, property, VALUE_DECIMAL, 16, error);
}

atoll_bytes atoll_object_get_object_id(const atoll_object *object, uint32_t property,
                                       atoll_error **error)
{
    return get_id(object, property, VALUE_OBJECT_ID, 12, error);
}

static status get_object(const atoll_object *object, property_key p, atoll_object **out)
{
    value v;
    const model_property *property;
    TRY(read_property(object, p, VALUE_NULL, &property, &v));
    return realm_wrap_object(object->realm, property, &v, out);
}

atoll_object *atoll_object_get_object(const atoll_object *object, uint32_t property,
                                      atoll_error **error)
{
    API_CALL_OF(object);
    atoll_object *target = NULL;
    return api_ok(error, get_object(object, property, &target)) ? target : NULL;
}

status realm_wrap_object(atoll_realm *realm, const model_property *p, const value *v,
                         atoll_object **out)
{
    bool mixed = p->type == VALUE_MIXED, link = p->type == VALUE_LINK || p->type == VALUE_EMBEDDED;
    *out = NULL;
    if (v->type == VALUE_TYPED_LINK)
        return realm_object_new(realm, v->as.link.class_of, v->as.link.row, out);
    if (v->type == VALUE_NULL && (mixed || link)) return ATOLL_OK;
    if (link) return realm_object_new(realm, p->target, v->as.row, out);
    return fail(ATOLL_ERROR_TYPE_MISMATCH, "%s holds a %s, not an object", p->name,
                value_type_name(mixed ? v->type : p->type));
}

status realm_wrap_value(atoll_realm *realm, const model_property *p, const value *v,
                        atoll_values **out)
{
    if (v->type != VALUE_LINK && v->type != VALUE_EMBEDDED && v->type != VALUE_TYPED_LINK)
        return values_of(v, out);
    atoll_values *values = memory_allocate_zero(sizeof *values);
    if (values == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atoll_object *object = NULL;
    status result = realm_wrap_object(realm, p, v, &object);
    if (result == ATOLL_OK) result = values_add_object_handle(values, object);
    if (result == ATOLL_OK)
        *out = values;
    else
        atoll_values_free(values);
    return result;
}

atoll_values *atoll_object_get_value(const atoll_object *object, uint32_t property,
                                     atoll_error **error)
{
    API_CALL_OF(object);
    value v;
    const model_property *p = NULL;
    atoll_values *values = NULL;
    status result = read_property(object, property, VALUE_NULL, &p, &v);
    if (result == ATOLL_OK) result = realm_wrap_value(object->realm, p, &v, &values);
    return api_ok(error, result) ? values : NULL;
}

static status get_list(const atoll_object *object, property_key p, atoll_list **out)
{
    atoll_list in;
    TRY(API_NOT_NULL(object));
    TRY(collection_of(object, p, PROPERTY_LIST, &in));
    return list_new(&in, out);
}

atoll_list *atoll_object_get_list(const atoll_object *object, uint32_t property,
                                  atoll_error **error)
{
    API_CALL_OF(object);
    atoll_list *list = NULL;
    return api_ok(error, get_list(object, property, &list)) ? list : NULL;
}

static inline api_setter *setter_place(const atoll_object *object, property_key p)
{
    return &object->realm->setters[(object->class_of * 3 + p) % API_SETTERS];
}

/* The thread comes first: setters belong to it. A closed realm has no transaction. */
static inline bool setter_is_open(const atoll_object *object, property_key p)
{
    if (object == NULL || object->realm->thread != thread_self() ||
        object->realm->process != process_self() || object->realm->txn == NULL)
        return false;
    const api_setter *s = setter_place(object, p);
    return s->transaction == object->realm->transactions && s->class_of == object->class_of &&
           s->property == p;
}

static status setter_open(atoll_object *object, property_key p, const value *v)
{
    TRY(check_write(object));
    const model_property *property;
    TRY(realm_property(object->realm, object->class_of, p, &property));
    if ((property->flags & PROPERTY_PRIMARY_KEY) != 0 && !object->realm->migrates)
        return fail(ATOLL_ERROR_PRIMARY_KEY_IMMUTABLE,
                    "the primary key %s cannot change; create another object", property->name);
    if (property->type == VALUE_EMBEDDED && v->type != VALUE_NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "%s holds an embedded object; use atoll_object_create_embedded",
                    property->name);
    if (property->type != VALUE_EMBEDDED && (property->flags & PROPERTY_PRIMARY_KEY) == 0)
        *setter_place(object, p) = (api_setter){object->realm->transactions, object->class_of, p};
    return ATOLL_OK;
}

static status set_plain(atoll_object *object, property_key p, const value *v)
{
    if (!setter_is_open(object, p)) TRY(setter_open(object, p, v));
    TRY(check_alive(object));
    object->realm->write_count++;
    return model_set(object->realm->txn, object->class_of, object->row, p, v);
}

atoll_status atoll_object_set_null(atoll_object *object, uint32_t property, atoll_error **error)
{
    API_CALL_OF(object);
    value v = value_null();
    return api_result(error, set_plain(object, property, &v));
}

atoll_status atoll_object_set_bool(atoll_object *object, uint32_t property, bool boolean,
                                   atoll_error **error)
{
    API_CALL_OF(object);
    value v = value_bool(boolean);
    return api_result(error, set_plain(object, property, &v));
}

atoll_status atoll_object_set_int(atoll_object *object, uint32_t property, int64_t integer,
                                  atoll_error **error)
{
    API_CALL_OF(object);
    value v = value_int(integer);
    return api_result(error, set_plain(object, property, &v));
}

static status increment(atoll_object *object, property_key p, int64_t delta)
{
    TRY(check_write(object));
    object->realm->write_count++;
    return model_increment(object->realm->txn, object->class_of, object->row, p, delta);
}

atoll_status atoll_object_increment(atoll_object *object, uint32_t property, int64_t delta,
                                    atoll_error **error)
{
    return api_result(error, increment(object, property, delta));
}

atoll_status atoll_object_set_double(atoll_object *object, uint32_t property, double real,
                                     atoll_error **error)
{
    API_CALL_OF(object);
    value v = value_double(real);
    return api_result(error, set_plain(object, property, &v));
}

atoll_status atoll_object_set_float(atoll_object *object, uint32_t property, float real,
                                    atoll_error **error)
{
    value v = value_float(real);
    return api_result(error, set_plain(object, property, &v));
}

atoll_status atoll_object_set_decimal128_text(atoll_object *object, uint32_t property,
                                              const char *text, size_t size, atoll_error **error)
{
    value v;
    status result = decimal_to_value(text, size, &v);
    return api_result(error, result == ATOLL_OK ? set_plain(object, property, &v) : result);
}

static status set_text(atoll_object *object, property_key p, value_type type, const char *text,
                       size_t size)
{
    if (text == NULL && size != 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the value is NULL but its size is %zu", size);
    value v = {.type = type, .as.text = bytes_of(text == NULL ? "" : text, size)};
    return set_plain(object, p, &v);
}

atoll_status atoll_object_set_string(atoll_object *object, uint32_t property, const char *value,
                                     size_t value_size, atoll_error **error)
{
    API_CALL_OF(object);
    return api_result(error, set_text(object, property, VALUE_STRING, value, value_size));
}

atoll_status atoll_object_set_binary(atoll_object *object, uint32_t property, const char *value,
                                     size_t value_size, atoll_error **error)
{
    API_CALL_OF(object);
    return api_result(error, set_text(object, property, VALUE_BINARY, value, value_size));
}

atoll_status atoll_object_set_timestamp(atoll_object *object, uint32_t property,
                                        atoll_timestamp stamp, atoll_error **error)
{
    API_CALL_OF(object);
    value v;
    status result = timestamp_to_value(stamp, &v);
    return api_result(error, result == ATOLL_OK ? set_plain(object, property, &v) : result);
}

static status set_id(atoll_object *object, property_key p, value_type type, const char *id,
                     size_t size, size_t wanted)
{
    if (id == NULL || size != wanted)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a %s has %zu bytes, got %zu",
                    value_type_name(type), wanted, id == NULL ? 0 : size);
    value v = {.type = type};
    memcpy(v.as.id, id, wanted);
    return set_plain(object, p, &v);
}

atoll_status atoll_object_set_uuid(atoll_object *object, uint32_t property, const char *value,
                                   size_t value_size, atoll_error **error)
{
    API_CALL_OF(object);
    return api_result(error, set_id(object, property, VALUE_UUID, value, value_size, 16));
}

atoll_status atoll_object_set_decimal128(atoll_object *object, uint32_t property, const char *value,
                                         size_t value_size, atoll_error **error)
{
    return api_result(error, set_id(object, property, VALUE_DECIMAL, value, value_size, 16));
}

atoll_status atoll_object_set_object_id(atoll_object *object, uint32_t property, const char *value,
                                        size_t value_size, atoll_error **error)
{
    API_CALL_OF(object);
    return api_result(error, set_id(object, property, VALUE_OBJECT_ID, value, value_size, 12));
}

/* A link's target must be an object of the same realm and of the property's class, alive. */
static status convert_link(const atoll_realm *realm, const model_property *p,
                           const atoll_object *target, value *out)
{
    if (p->type != VALUE_LINK && p->type != VALUE_MIXED)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "%s is a %s, not a link", p->name,
                    value_type_name(p->type));
    if (target->realm->database != realm->database)
        return fail(ATOLL_ERROR_WRONG_REALM, "the target of %s belongs to another realm (%s)",
                    p->name, target->realm->database->path);
    if (p->type == VALUE_LINK && target->class_of != p->target)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "%s links to %s, not to the target's class", p->name,
                    p->target_name);
    bool alive;
    TRY(model_is_alive(realm_view(realm), target->class_of, target->row, &alive));
    if (!alive) return fail(ATOLL_ERROR_OBJECT_INVALID, "the target of %s was deleted", p->name);
    *out = value_link(target->row);
    if (p->type == VALUE_MIXED)
        *out = (value){.type = VALUE_TYPED_LINK, .as.link = {target->row, target->class_of}};
    return ATOLL_OK;
}

/* A new one, to be filled in its place. */
static status convert_nested(const model_property *p, const api_value *from)
{
    const char *kind = value_type_name(from->plain.type);
    if (p->type != VALUE_MIXED)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "%s is a %s, a %s was given", p->name,
                    value_type_name(p->type), kind);
    if (from->plain.as.link.row != 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "the %s given for %s has its place already; copy its elements", kind, p->name);
    if (from->list != NULL && from->list->items.count != 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "the %s given for %s has elements; give an empty one and fill it there", kind,
                    p->name);
    return ATOLL_OK;
}

status realm_convert(const atoll_realm *realm, const model_property *p, const api_value *from,
                     value *out)
{
    if (from->object != NULL) return convert_link(realm, p, from->object, out);
    if (from->plain.type == VALUE_LIST || from->plain.type == VALUE_DICTIONARY)
        TRY(convert_nested(p, from));
    *out = from->plain;
    return ATOLL_OK;
}

static status set_object(atoll_object *object, property_key p, const atoll_object *target)
{
    value v = value_null();
    TRY(object_check(object));
    if (target != NULL) {
        const model_property *property;
        TRY(realm_property(object->realm, object->class_of, p, &property));
        TRY(convert_link(object->realm, property, target, &v));
    }
    return set_plain(object, p, &v);
}

atoll_status atoll_object_set_object(atoll_object *object, uint32_t property,
                                     const atoll_object *target, atoll_error **error)
{
    API_CALL_OF(object);
    return api_result(error, set_object(object, property, target));
}

static status set_value(atoll_object *object, property_key p, const atoll_values *from)
{
    const api_value *item;
    const model_property *property;
    value v;
    TRY(object_check(object));
    TRY(values_item(from, 0, &item));
    TRY(realm_property(object->realm, object->class_of, p, &property));
    TRY(realm_convert(object->realm, property, item, &v));
    return set_plain(object, p, &v);
}

atoll_status atoll_object_set_value(atoll_object *object, uint32_t property,
                                    const atoll_values *value, atoll_error **error)
{
    API_CALL_OF(object);
    return api_result(error, set_value(object, property, value));
}

static status create_embedded(atoll_object *object, property_key p, atoll_object **out)
{
    TRY(check_write(object));
    const model_property *property;
    TRY(realm_property(object->realm, object->class_of, p, &property));
    if (property->type != VALUE_EMBEDDED || (property->flags & PROPERTY_COLLECTION))
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "%s does not hold one embedded object",
                    property->name);
    row_key row;
    class_key target = property->target;
    object->realm->write_count++;
    TRY(model_set_embedded(object->realm->txn, object->class_of, object->row, p, &row));
    return realm_object_new(object->realm, target, row, out);
}

atoll_object *atoll_object_create_embedded(atoll_object *object, uint32_t property,
                                           atoll_error **error)
{
    API_CALL_OF(object);
    atoll_object *embedded = NULL;
    return api_ok(error, create_embedded(object, property, &embedded)) ? embedded : NULL;
}
