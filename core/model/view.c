/* Views: reading one version. Readers must never wait and never change what others see, except that they load what is
 * not in memory yet. Invariant: whatever is reachable from a view is of its version. */
#include "model/engine.h"

/* ---- views themselves ---- */
model_view *view_new(model_db *db, size_t class_count)
{
    model_view *view = memory_allocate_zero(sizeof *view);
    if (view == NULL) return NULL;
    atomic_init(&view->references, 1);
    view->db = db;
    view->classes = memory_allocate_zero((class_count + 1) * sizeof *view->classes);
    if (view->classes != NULL) return view;
    memory_free(view);
    return NULL;
}

void view_destroy(model_view *view)
{
    if (view == NULL) return;
    for (size_t i = 0; i < view->class_count; i++) class_state_release(view->classes[i]);
    memory_free(view->classes);
    shared_schema_release(view->schema);
    memory_free(view);
}

shared_schema *shared_schema_retain(shared_schema *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    return s;
}

void shared_schema_release(shared_schema *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    schema_free(&s->schema);
    memory_free(s);
}

void view_hold(model_view *view, bool awake)
{
    atomic_fetch_add_explicit(&view->references, 1, memory_order_relaxed);
    if (awake && view->awake++ == 0) view->awake_since = cache_epoch(view->db->cache);
}

model_view *model_view_newest(model_db *db)
{
    mutex_lock(&db->lock);
    model_view *view = db->newest;
    view_hold(view, true);
    mutex_unlock(&db->lock);
    return view;
}

model_view *model_view_retain(model_view *view)
{
    mutex_lock(&view->db->lock);
    view_hold(view, true);
    mutex_unlock(&view->db->lock);
    return view;
}

void model_view_rest(model_view *view)
{
    mutex_lock(&view->db->lock);
    view->awake--;
    mutex_unlock(&view->db->lock);
}

void history_release(history_record *record)
{
    if (atomic_fetch_sub(&record->references, 1) != 1) return;
    memory_free(record->memory);
    memory_free(record);
}

/* Records up to the oldest live version are needed by nobody. Called under the lock. */
static void trim_history(model_db *db)
{
    size_t drop = 0;
    while (drop < db->history.count && db->history.items[drop]->version <= db->oldest->version)
        history_release(db->history.items[drop++]);
    if (drop == 0) return;
    db->history.count -= drop;
    memmove(db->history.items, db->history.items + drop,
            db->history.count * sizeof *db->history.items);
}

void view_let_go(model_view *view, bool awake)
{
    if (view == NULL) return;
    model_db *db = view->db;
    mutex_lock(&db->lock);
    if (awake) view->awake--;
    bool last = atomic_fetch_sub_explicit(&view->references, 1, memory_order_acq_rel) == 1;
    if (last) {
        /* The newest view is always held by the realm itself, so this one is not the end of the list. */
        if (view->older != NULL) view->older->newer = view->newer;
        if (view->newer != NULL) view->newer->older = view->older;
        if (db->oldest == view) db->oldest = view->newer;
        if (db->oldest != NULL) trim_history(db);
    }
    mutex_unlock(&db->lock);
    if (last) view_destroy(view);
}

void model_view_release(model_view *view)
{
    view_let_go(view, true);
}

void model_view_release_resting(model_view *view)
{
    view_let_go(view, false);
}

uint64_t model_view_version(const model_view *view)
{
    return view->version;
}

const model_schema *model_view_schema(const model_view *view)
{
    return &view->schema->schema;
}

uint64_t model_version(model_db *db)
{
    return atomic_load_explicit(&db->version, memory_order_acquire);
}

/* ---- helpers ---- */
void class_missing(class_key c)
{
    (void)fail(ATOLL_ERROR_UNKNOWN_CLASS, "the realm has no class with key %u", c);
}

void property_missing(const model_class *c, property_key p)
{
    (void)fail(ATOLL_ERROR_UNKNOWN_PROPERTY, "class '%s' has no property with key %u", c->name, p);
}

status read_slot(const model_view *view, class_key c, row_key row, uint32_t slot, value *out)
{
    const block_data *d = NULL;
    const class_state *state = view_class(view, c);
    *out = value_null();
    if (state == NULL) return ATOLL_OK;
    TRY(class_block(view->db->store, &view->schema->schema, state, row, slot, &d));
    return d == NULL ? ATOLL_OK
                     : block_read(view->db->store, d, (uint32_t)(row % MODEL_BLOCK_ROWS), out);
}

status row_state_of_segment(const model_view *view, class_key c, row_key row, uint8_t *out)
{
    const class_state *state = view_class(view, c);
    *out = ROW_DEAD;
    return state == NULL || row == 0
               ? ATOLL_OK
               : class_row_state(view->db->store, &view->schema->schema, state, row, out);
}

uint64_t key_hash(const model_db *db, const value *key)
{
    return hash_u64(value_hash(key) ^ db->hash_seed); /* one to one for integers */
}

status check_key(const model_class *c, const value *key)
{
    const model_property *p = class_property(c, c->primary_key);
    if (p == NULL)
        return fail(ATOLL_ERROR_NO_PRIMARY_KEY, "class '%s' has no primary key", c->name);
    if (key == NULL || key->type == VALUE_NULL) {
        if (key != NULL && (p->flags & PROPERTY_NULLABLE) != 0) return ATOLL_OK;
        return fail(ATOLL_ERROR_NULL_NOT_ALLOWED, "the primary key '%s.%s' cannot be null", c->name,
                    p->name);
    }
    if (key->type == p->type) return ATOLL_OK;
    return fail(ATOLL_ERROR_TYPE_MISMATCH, "the primary key '%s.%s' is of type %s; a %s was given",
                c->name, p->name, value_type_name(p->type), value_type_name(key->type));
}

/* ---- reading ---- */
uint64_t model_count(const model_view *view, class_key c)
{
    const class_state *state = view_class(view, c);
    return state == NULL ? 0 : state->alive_count;
}

status model_is_alive(const model_view *view, class_key c, row_key row, bool *out)
{
    uint8_t state;
    TRY(row_state(view, c, row, &state));
    *out = state == ROW_ALIVE;
    return ATOLL_OK;
}

status model_is_there(const model_view *view, class_key c, row_key row, bool *out)
{
    uint8_t state;
    TRY(row_state(view, c, row, &state));
    *out = state != ROW_DEAD;
    return ATOLL_OK;
}

void model_view_failed(const model_view *view, status why)
{
    if (why != ATOLL_OK) db_break(view->db, why);
}

bool model_alive(const model_view *view, class_key c, row_key row)
{
    bool alive = false;
    model_view_failed(view, model_is_alive(view, c, row, &alive));
    return alive;
}

/* What an absent column reads as. */
static value default_value(const model_property *p)
{
    if (column_type_of(p).nullable) return value_null();
    return value_zero(p->type);
}

static status object_invalid(const model_class *c)
{
    return fail(ATOLL_ERROR_OBJECT_INVALID, "the object of class '%s' was deleted or is not here",
                c->name);
}

/* *alive and *held: the row is alive; it has values (alive or hidden). Whether those matter is the caller's business. */
static status read_value(const model_view *view, const model_class *c, const model_property *p,
                         row_key row, value *out, bool *alive, bool *held)
{
    const block_data *d = NULL;
    const segment_data *now = NULL;
    uint32_t slot = slot_of(p->key);
    if ((p->flags & PROPERTY_COLLECTION) != 0)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "'%s.%s' is a %s; read its elements", c->name,
                    p->name, collection_name(p));
    segment *s = class_segment(view->classes[c->key - 1], row / MODEL_BLOCK_ROWS);
    if (s != NULL) TRY(segment_load(view->db->store, &view->schema->schema, s, &now));
    if (now != NULL && slot < now->slot_count && now->blocks[slot] != NULL)
        TRY(block_load(view->db->store, now->blocks[slot], &d));
    size_t word = row % MODEL_BLOCK_ROWS / 64;
    *alive = now != NULL && (now->alive[word] >> (row % 64) & 1) != 0;
    *held = now != NULL && ((now->alive[word] | now->hidden[word]) >> (row % 64) & 1) != 0;
    if (d != NULL) return block_read(view->db->store, d, (uint32_t)(row % MODEL_BLOCK_ROWS), out);
    *out = default_value(p);
    return ATOLL_OK;
}

status model_get_raw(const model_view *view, class_key c, row_key row, property_key p, value *out)
{
    const model_class *class_of = NULL;
    const model_property *property = NULL;
    bool alive, held;
    value v;
    TRY(need_property(view, c, p, &class_of, &property));
    TRY(read_value(view, class_of, property, row, &v, &alive, &held));
    if (!held && p != class_of->primary_key) return object_invalid(class_of);
    *out = v;
    return ATOLL_OK;
}

status show_value(const model_view *view, const model_property *p, value *v)
{
    bool alive = true;
    if (v->type == VALUE_LINK || v->type == VALUE_EMBEDDED)
        TRY(model_is_alive(view, p->target, v->as.row, &alive));
    if (v->type == VALUE_TYPED_LINK)
        TRY(model_is_alive(view, v->as.link.class_of, v->as.link.row, &alive));
    if (!alive) *v = value_null();
    return ATOLL_OK;
}

status model_get(const model_view *view, class_key c, row_key row, property_key p, value *out)
{
    value v;
    TRY(model_get_raw(view, c, row, p, &v));
    TRY(show_value(view, class_property(schema_class(&view->schema->schema, c), p), &v));
    *out = v;
    return ATOLL_OK;
}

status model_read(const model_view *view, class_key c, row_key row, property_key p,
                  const model_property **property, value *out)
{
    const model_class *class_of = NULL;
    bool alive, held;
    value v;
    TRY(need_property(view, c, p, &class_of, property));
    TRY(read_value(view, class_of, *property, row, &v, &alive, &held));
    if (!alive) return object_invalid(class_of);
    TRY(show_value(view, *property, &v));
    *out = v;
    return ATOLL_OK;
}

bool model_window_open(const model_view *view, class_key c, row_key row, property_key p,
                       model_window *out)
{
    const class_state *state = view_class(view, c);
    const model_class *class_of = schema_class(&view->schema->schema, c);
    const model_property *property =
        state == NULL || class_of == NULL ? NULL : class_property(class_of, p);
    if (property == NULL || property->type == VALUE_LINK || property->type == VALUE_EMBEDDED ||
        property->type == VALUE_MIXED)
        return false;
    segment *s = class_segment(state, row / MODEL_BLOCK_ROWS);
    const segment_data *now =
        s == NULL ? NULL : atomic_load_explicit(&s->data, memory_order_acquire);
    if (now == NULL || slot_of(p) >= now->slot_count || now->blocks[slot_of(p)] == NULL)
        return false;
    block_data *d = atomic_load_explicit(&now->blocks[slot_of(p)]->data, memory_order_acquire);
    if (d == NULL || d->type.kind == COLUMN_LIST || d->large_count != 0) return false;
    *out = (model_window){.property = property,
                          .alive = now->alive,
                          .null_bits = d->type.nullable ? d->null_bits : NULL,
                          .block = block_data_retain(d)};
    if (d->type.kind == COLUMN_FIXED8 || d->type.kind == COLUMN_BITS)
        out->words = (const int64_t *)(const void *)d->slots;
    return true;
}

void model_window_close(model_window *window)
{
    block_data_free(window->block);
    window->block = NULL;
}

void model_window_get(const model_window *window, row_key row, value *out)
{
    block_get(window->block, (uint32_t)(row % MODEL_BLOCK_ROWS), out);
}

void model_window_fetch(const model_window *window, row_key row)
{
    const block_data *d = window->block;
    size_t at = row % MODEL_BLOCK_ROWS;
    size_t width = d->type.kind == COLUMN_FIXED16 ? 16 : d->type.kind == COLUMN_TEXT ? 4 : 8;
    if (d->type.kind == COLUMN_BITS) width = 0; /* two lines in all */
    __builtin_prefetch(window->alive + at / 64);
    __builtin_prefetch(d->slots + at * width);
}

bytes model_window_text(const model_window *window, row_key row)
{
    const block_data *d = window->block;
    uint32_t at = (uint32_t)(row % MODEL_BLOCK_ROWS);
    if (block_is_null(d, at)) return bytes_of(NULL, 0);
    if (at >= d->filled || d->heap == NULL) return bytes_of("", 0);
    const uint32_t *offsets = (const uint32_t *)(const void *)d->slots;
    return bytes_of(d->heap + offsets[at], offsets[at + 1] - offsets[at]);
}

typedef struct key_search {
    const model_view *view;
    const value *key;
    class_key class_of;
    uint32_t slot;
    bool any;
    bool exact; /* the hash tells keys apart: no look at the column */
    row_key found;
    status result;
} key_search;

static bool key_matches(void *context, uint64_t row)
{
    key_search *search = context;
    value key;
    if (!search->exact) {
        search->result = read_slot(search->view, search->class_of, row, search->slot, &key);
        if (search->result != ATOLL_OK) return true;
        if (!value_equal(&key, search->key)) return false;
    }
    bool alive = true;
    if (!search->any) search->result = model_is_alive(search->view, search->class_of, row, &alive);
    if (search->result != ATOLL_OK) return true;
    if (!alive) return false;
    search->found = row;
    return true;
}

static status search_key(key_search *search, row_key *out)
{
    const class_state *state = view_class(search->view, search->class_of);
    if (state != NULL && state->index != NULL)
        TRY(index_find(search->view->db->store, search->view->writer, state->index,
                       key_hash(search->view->db, search->key), key_matches, search));
    if (search->result == ATOLL_OK) *out = search->found;
    return search->result;
}

static status find_key(const model_view *view, class_key c, const value *key, bool any,
                       row_key *out)
{
    const model_class *class_of = NULL;
    TRY(need_class(view, c, &class_of));
    TRY(check_key(class_of, key));
    key_search search = {.view = view,
                         .key = key,
                         .class_of = c,
                         .slot = slot_of(class_of->primary_key),
                         .any = any};
    /* The hash of an integer is one to one, and a row never changes its key; null would hash like 0. */
    search.exact =
        key->type == VALUE_INT &&
        (class_property(class_of, class_of->primary_key)->flags & PROPERTY_NULLABLE) == 0;
    return search_key(&search, out);
}

status model_find(const model_view *view, class_key c, const value *key, row_key *out)
{
    return find_key(view, c, key, false, out);
}

status model_find_any(const model_view *view, class_key c, const value *key, row_key *out)
{
    return find_key(view, c, key, true, out);
}

void model_find_fetch(const model_view *view, class_key c, const value *key)
{
    const class_state *state = view_class(view, c);
    if (state != NULL && state->index != NULL) index_fetch(state->index, key_hash(view->db, key));
}

status model_embedded_find(const model_view *view, class_key c, const uint8_t id[16], row_key *out)
{
    value key = value_uuid(id);
    key_search search = {
        .view = view, .key = &key, .class_of = c, .slot = SLOT_IDENTITY, .any = true};
    return search_key(&search, out);
}

/* ---- scanning ---- */
bool model_scan(const model_view *view, class_key c, uint64_t *cursor, model_segment *out,
                status *result)
{
    *result = ATOLL_OK;
    const class_state *state = view_class(view, c);
    if (state == NULL) return false;
    uint64_t end = (state->next_row + MODEL_BLOCK_ROWS - 1) / MODEL_BLOCK_ROWS;
    while (*cursor < end) {
        uint64_t index = (*cursor)++;
        segment *s = class_segment(state, index);
        const segment_data *d = NULL;
        if (s == NULL) continue;
        *result = segment_load(view->db->store, &view->schema->schema, s, &d);
        if (*result != ATOLL_OK) return false;
        if (d->alive_count == 0) continue;
        out->first = index * MODEL_BLOCK_ROWS;
        memcpy(out->alive, d->alive, sizeof out->alive);
        out->alive_count = d->alive_count;
        return true;
    }
    return false;
}

static void fill_column(const block_data *d, model_column *out)
{
    out->present = true;
    out->null_bits = d->type.nullable ? d->null_bits : NULL;
    switch ((value_type)d->type.type) {
    case VALUE_FLOAT:
    case VALUE_DOUBLE:
        out->doubles = (const double *)(const void *)d->slots;
        out->has_range = d->has_range;
        out->double_minimum = d->range.real.minimum;
        out->double_maximum = d->range.real.maximum;
        return;
    case VALUE_BOOL: out->bits = (const uint64_t *)(const void *)d->slots; return;
    case VALUE_INT:
        out->has_range = d->has_range;
        out->integer_minimum = d->range.integer.minimum;
        out->integer_maximum = d->range.integer.maximum;
        out->integers = (const int64_t *)(const void *)d->slots;
        return;
    case VALUE_LINK:
    case VALUE_EMBEDDED: out->integers = (const int64_t *)(const void *)d->slots; return;
    case VALUE_TIMESTAMP: out->timestamps = (const int64_t *)(const void *)d->slots; return;
    case VALUE_DECIMAL:
    case VALUE_UUID:
    case VALUE_OBJECT_ID: out->ids = d->slots; return;
    case VALUE_MIXED:
    case VALUE_STRING:
    case VALUE_BINARY:
        out->offsets = (const uint32_t *)(const void *)d->slots;
        out->has_large = d->large_count != 0;
        out->heap = d->heap_size == 0 ? (const uint8_t *)"" : d->heap;
        return;
    default: return;
    }
}

status model_segment_column(const model_view *view, class_key c, const model_segment *s,
                            property_key p, model_column *out)
{
    const model_class *class_of = NULL;
    const model_property *property = NULL;
    const segment_data *d = NULL;
    const block_data *data = NULL;
    TRY(need_property(view, c, p, &class_of, &property));
    segment *at = class_segment(view->classes[c - 1], s->first / MODEL_BLOCK_ROWS);
    model_column column = {.type = property->type};
    if (at != NULL) TRY(segment_load(view->db->store, &view->schema->schema, at, &d));
    block *b = d != NULL && slot_of(p) < d->slot_count ? d->blocks[slot_of(p)] : NULL;
    if (b != NULL) TRY(block_load(view->db->store, b, &data));
    /* Offsets of a block that the open transaction owns may lag; nobody else can see it. */
    if (data != NULL && view->writing && b->stamp == view->db->stamp) block_finish(b);
    if (data != NULL && data->type.kind != COLUMN_LIST) fill_column(data, &column);
    *out = column;
    return ATOLL_OK;
}

/* ---- embedded objects ---- */
status model_owner_get(const model_view *view, class_key c, row_key row, model_owner *out)
{
    const model_class *class_of = NULL;
    value owner, place, element;
    TRY(need_class(view, c, &class_of));
    TRY(read_slot(view, c, row, SLOT_OWNER_ROW, &owner));
    TRY(read_slot(view, c, row, SLOT_OWNER_PLACE, &place));
    TRY(read_slot(view, c, row, SLOT_OWNER_ELEMENT, &element));
    if (class_of->kind != CLASS_EMBEDDED || owner.type != VALUE_INT || place.type != VALUE_INT ||
        owner.as.integer == 0)
        return fail(ATOLL_ERROR_OBJECT_INVALID, "the object of class '%s' has no owner",
                    class_of->name);
    model_owner o = {.row = (row_key)owner.as.integer};
    o.class_of = (class_key)((uint64_t)place.as.integer >> 32);
    o.property = (property_key)place.as.integer;
    if (element.type == VALUE_UUID) {
        memcpy(&o.element.counter, element.as.id, 8);
        memcpy(&o.element.actor, element.as.id + 8, 8);
    }
    *out = o;
    return ATOLL_OK;
}

status model_root_get(const model_view *view, class_key c, row_key row, class_key *root_class,
                      row_key *root)
{
    const model_class *class_of = NULL;
    model_owner owner;
    TRY(need_class(view, c, &class_of));
    /* An embedded object hangs on an older row or another class: the depth is bounded by the data, the bound by this. */
    for (int depth = 0; class_of->kind == CLASS_EMBEDDED; depth++) {
        if (depth == 10000)
            return fail(ATOLL_ERROR_FILE_CORRUPT, "an embedded object of class '%s' owns itself",
                        class_of->name);
        TRY(model_owner_get(view, c, row, &owner));
        c = owner.class_of;
        row = owner.row;
        TRY(need_class(view, c, &class_of));
    }
    *root_class = c;
    *root = row;
    return ATOLL_OK;
}

status model_embedded_identity(const model_view *view, class_key c, row_key row, uint8_t id[16])
{
    const model_class *class_of = NULL;
    value v;
    TRY(need_class(view, c, &class_of));
    TRY(read_slot(view, c, row, SLOT_IDENTITY, &v));
    if (class_of->kind != CLASS_EMBEDDED || v.type != VALUE_UUID)
        return fail(ATOLL_ERROR_OBJECT_INVALID,
                    "the object of class '%s' has no identity as an embedded object",
                    class_of->name);
    memcpy(id, v.as.id, 16);
    return ATOLL_OK;
}
