/* The subscription set of a flexible realm: versioned records in the side table, changed in commits of their own.
 * It must never change a version once it is committed, except for its state. Invariant: at most one version is pending,
 * the newest; the one in force is the newest complete one. */
#include "sync/subscription.h"
#include "sync/subscription_internal.h"

enum { SUBSCRIPTION_RECORD_SIZE_MAX = 256u << 20 };
static const uint8_t key_newest[2] = {'f', 'n'}, key_active[2] = {'f', 'a'},
                     key_before[2] = {'f', 'b'}, key_staged[2] = {'f', 's'};

static void item_free(subscription *s)
{
    memory_free(s->name);
    memory_free(s->class_name);
    memory_free(s->query);
}

void subscription_set_free(subscription_set *s)
{
    for (size_t i = 0; i < s->items.count; i++) item_free(&s->items.items[i]);
    vector_free(&s->items);
    memory_free(s->error);
    *s = (subscription_set){0};
}

/* ---- records ---- */

static status set_write(buffer *to, const subscription_set *s)
{
    TRY(buffer_append_varint(to, s->version));
    TRY(buffer_append_byte(to, (uint8_t)s->state));
    TRY(buffer_append_bytes(to, bytes_text(s->error != NULL ? s->error : "")));
    TRY(buffer_append_varint(to, s->items.count));
    for (size_t i = 0; i < s->items.count; i++) {
        const subscription *x = &s->items.items[i];
        TRY(buffer_append(to, x->id, sizeof x->id));
        TRY(buffer_append_byte(to, x->name != NULL));
        TRY(buffer_append_bytes(to, bytes_text(x->name != NULL ? x->name : "")));
        TRY(buffer_append_bytes(to, bytes_text(x->class_name)));
        TRY(buffer_append_bytes(to, bytes_text(x->query)));
        TRY(buffer_append_fixed64(to, (uint64_t)x->created_ms));
        TRY(buffer_append_fixed64(to, (uint64_t)x->updated_ms));
    }
    return ATOLL_OK;
}

static char *copy_of(bytes text)
{
    return memory_copy_text(text.size == 0 ? "" : (const char *)text.data, text.size);
}

static status item_read(reader *r, subscription_set *s)
{
    subscription x = {0};
    bytes id = reader_take(r, sizeof x.id);
    bool named = reader_byte(r) != 0;
    bytes name = reader_bytes(r), class_name = reader_bytes(r), query = reader_bytes(r);
    x.created_ms = (int64_t)reader_fixed64(r);
    x.updated_ms = (int64_t)reader_fixed64(r);
    if (r->failed) return fail(ATOLL_ERROR_FILE_CORRUPT, "a subscription record is damaged");
    memcpy(x.id, id.data, sizeof x.id);
    x.name = named ? copy_of(name) : NULL;
    x.class_name = copy_of(class_name);
    x.query = copy_of(query);
    status result = (named && x.name == NULL) || x.class_name == NULL || x.query == NULL
                        ? ATOLL_ERROR_OUT_OF_MEMORY
                        : ATOLL_OK;
    if (result == ATOLL_OK) result = vector_push(&s->items, x);
    if (result != ATOLL_OK) item_free(&x);
    return result;
}

static status set_read(bytes from, subscription_set *out)
{
    reader r = reader_of(from);
    subscription_set s = {.version = reader_varint(&r),
                          .state = (subscription_state)reader_byte(&r)};
    bytes error = reader_bytes(&r);
    uint64_t count = reader_varint(&r);
    status result =
        r.failed ? fail(ATOLL_ERROR_FILE_CORRUPT, "the subscription record is damaged") : ATOLL_OK;
    if (result == ATOLL_OK && error.size > 0 && (s.error = copy_of(error)) == NULL)
        result = ATOLL_ERROR_OUT_OF_MEMORY;
    for (uint64_t i = 0; i < count && result == ATOLL_OK; i++) result = item_read(&r, &s);
    if (result != ATOLL_OK) {
        subscription_set_free(&s);
        return result;
    }
    *out = s;
    return ATOLL_OK;
}

static status record_get(model_db *db, model_txn *txn, const uint8_t key[2], subscription_set *out)
{
    buffer record;
    bool found = false;
    buffer_init(&record, SUBSCRIPTION_RECORD_SIZE_MAX);
    status result = txn != NULL ? model_side_get_txn(txn, bytes_of(key, 2), &record, &found)
                                : model_side_get(db, bytes_of(key, 2), &record, &found);
    subscription_set s = {.state = SUBSCRIPTION_COMPLETE};
    if (result == ATOLL_OK && found) result = set_read(buffer_view(&record), &s);
    buffer_free(&record);
    if (result == ATOLL_OK) *out = s;
    return result;
}

static status record_put(model_txn *txn, const uint8_t key[2], const subscription_set *s)
{
    buffer record;
    buffer_init(&record, SUBSCRIPTION_RECORD_SIZE_MAX);
    status result = set_write(&record, s);
    if (result == ATOLL_OK) result = model_side_put(txn, bytes_of(key, 2), buffer_view(&record));
    buffer_free(&record);
    return result;
}

/* ---- reading ---- */

status subscription_set_newest(model_db *db, subscription_set *out)
{
    return record_get(db, NULL, key_newest, out);
}

status subscription_set_active(model_db *db, subscription_set *out)
{
    return record_get(db, NULL, key_active, out);
}

status subscription_set_state(model_db *db, uint64_t version, subscription_state *state,
                              char **error)
{
    subscription_set newest, active;
    TRY(subscription_set_newest(db, &newest));
    status result = subscription_set_active(db, &active);
    if (result != ATOLL_OK) {
        subscription_set_free(&newest);
        return result;
    }
    if (version > newest.version) {
        result = fail(ATOLL_ERROR_OUT_OF_RANGE, "there is no version %llu of the subscriptions",
                      (unsigned long long)version);
    } else if (version == newest.version) {
        *state = newest.state;
        if (error != NULL) *error = newest.error;
        if (error != NULL) newest.error = NULL;
    } else {
        *state = version == active.version ? SUBSCRIPTION_COMPLETE : SUBSCRIPTION_SUPERSEDED;
        if (error != NULL) *error = NULL;
    }
    subscription_set_free(&newest);
    subscription_set_free(&active);
    return result;
}

status subscription_covers(model_db *db, bytes class_name, bool *covered)
{
    subscription_set s;
    TRY(subscription_set_newest(db, &s));
    bool there = false;
    for (size_t i = 0; i < s.items.count && !there; i++)
        there = bytes_equal(bytes_text(s.items.items[i].class_name), class_name);
    subscription_set_free(&s);
    *covered = there;
    return ATOLL_OK;
}

/* ---- editing ---- */

static subscription *find_named(subscription_set *s, bytes name)
{
    for (size_t i = 0; i < s->items.count; i++) {
        subscription *x = &s->items.items[i];
        if (x->name != NULL && bytes_equal(bytes_text(x->name), name)) return x;
    }
    return NULL;
}

static subscription *find_unnamed(subscription_set *s, bytes class_name, bytes query)
{
    for (size_t i = 0; i < s->items.count; i++) {
        subscription *x = &s->items.items[i];
        if (x->name == NULL && bytes_equal(bytes_text(x->class_name), class_name) &&
            bytes_equal(bytes_text(x->query), query))
            return x;
    }
    return NULL;
}

static void new_id(const platform *p, uint8_t id[12])
{
    uint32_t seconds = (uint32_t)(p->wall_ms(p->context) / 1000);
    key_put_u32(id, seconds);
    p->random(p->context, id + 4, 8);
}

static status add_new(subscription_set *s, const platform *p, bytes name, bool named,
                      bytes class_name, bytes query)
{
    if (s->items.count >= LIMIT_SUBSCRIPTIONS_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "more than %d subscriptions",
                    LIMIT_SUBSCRIPTIONS_MAX);
    subscription x = {.name = named ? copy_of(name) : NULL,
                      .class_name = copy_of(class_name),
                      .query = copy_of(query)};
    status result = (named && x.name == NULL) || x.class_name == NULL || x.query == NULL
                        ? ATOLL_ERROR_OUT_OF_MEMORY
                        : ATOLL_OK;
    new_id(p, x.id);
    x.created_ms = x.updated_ms = p->wall_ms(p->context);
    if (result == ATOLL_OK) result = vector_push(&s->items, x);
    if (result != ATOLL_OK) item_free(&x);
    return result;
}

status subscription_set_add(subscription_set *s, const platform *p, bytes name, bool named,
                            bytes class_name, bytes query, bool update_existing)
{
    if (query.size > LIMIT_QUERY_SIZE_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "a subscription's query has more than %u bytes",
                    LIMIT_QUERY_SIZE_MAX);
    subscription *there = named ? find_named(s, name) : find_unnamed(s, class_name, query);
    if (there == NULL) return add_new(s, p, name, named, class_name, query);
    bool same = bytes_equal(bytes_text(there->class_name), class_name) &&
                bytes_equal(bytes_text(there->query), query);
    if (!same && !update_existing) {
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "a subscription named '%.*s' with another class or query exists; allow updates "
                    "to replace it",
                    (int)name.size, (const char *)name.data);
    }
    if (!same) {
        char *new_class = copy_of(class_name), *new_query = copy_of(query);
        if (new_class == NULL || new_query == NULL) {
            memory_free(new_class);
            memory_free(new_query);
            return ATOLL_ERROR_OUT_OF_MEMORY;
        }
        memory_free(there->class_name);
        memory_free(there->query);
        there->class_name = new_class;
        there->query = new_query;
    }
    there->updated_ms = p->wall_ms(p->context);
    return ATOLL_OK;
}

bool subscription_set_remove_at(subscription_set *s, size_t index)
{
    if (index >= s->items.count) return false;
    item_free(&s->items.items[index]);
    memmove(s->items.items + index, s->items.items + index + 1,
            (s->items.count - index - 1) * sizeof *s->items.items);
    s->items.count--;
    return true;
}

/* ---- committing ---- */

status subscription_set_commit(model_db *db, subscription_set *s)
{
    model_txn *txn = NULL;
    subscription_set newest;
    /* Not a local commit: nothing of it is uploaded as data. */
    TRY(model_begin(db, COMMIT_REMOTE, &txn));
    status result = record_get(db, txn, key_newest, &newest);
    uint64_t before = s->version;
    if (result == ATOLL_OK) {
        if (newest.version != s->version) {
            result = fail(ATOLL_ERROR_BUSY,
                          "the subscriptions were changed meanwhile (version %llu, not %llu); read "
                          "them again",
                          (unsigned long long)newest.version, (unsigned long long)s->version);
        }
        subscription_set_free(&newest);
    }
    if (result == ATOLL_OK) {
        subscription_set next = *s;
        next.version = before + 1;
        next.state = SUBSCRIPTION_PENDING;
        next.error = NULL;
        result = record_put(txn, key_newest, &next);
    }
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit(txn, NULL));
    s->version = before + 1;
    s->state = SUBSCRIPTION_PENDING;
    memory_free(s->error);
    s->error = NULL;
    return ATOLL_OK;
}

status subscription_set_settle(model_txn *txn, uint64_t version, subscription_state state,
                               const char *error)
{
    subscription_set newest;
    TRY(record_get(NULL, txn, key_newest, &newest));
    status result = ATOLL_OK;
    if (newest.version == version) {
        newest.state = state;
        memory_free(newest.error);
        newest.error = error == NULL ? NULL : copy_of(bytes_text(error));
        result = record_put(txn, key_newest, &newest);
        if (result == ATOLL_OK && state == SUBSCRIPTION_COMPLETE)
            result = record_put(txn, key_active, &newest);
    }
    subscription_set_free(&newest);
    return result;
}

status subscription_set_activate(model_txn *txn, const subscription_set *s)
{
    subscription_set active = *s;
    active.state = SUBSCRIPTION_COMPLETE;
    active.error = NULL;
    return record_put(txn, key_active, &active);
}

status subscription_set_keep_staged(model_txn *txn, const subscription_set *s)
{
    return record_put(txn, key_staged, s);
}

status subscription_set_activate_staged(model_txn *txn, uint64_t version)
{
    subscription_set staged;
    TRY(record_get(NULL, txn, key_staged, &staged));
    status result = ATOLL_OK;
    if (staged.version == version && version != 0) {
        result = subscription_set_activate(txn, &staged);
        if (result == ATOLL_OK) result = model_side_delete(txn, bytes_of(key_staged, 2));
    }
    subscription_set_free(&staged);
    return result;
}

status subscription_set_revert(model_txn *txn)
{
    subscription_set newest, active;
    TRY(record_get(NULL, txn, key_newest, &newest));
    status result = record_get(NULL, txn, key_active, &active);
    if (result != ATOLL_OK) {
        subscription_set_free(&newest);
        return result;
    }
    if (newest.version != active.version) {
        active.version = newest.version; /* Numbers are never given twice. */
        active.state = SUBSCRIPTION_COMPLETE;
        result = record_put(txn, key_newest, &active);
        if (result == ATOLL_OK) result = record_put(txn, key_active, &active);
    }
    subscription_set_free(&newest);
    subscription_set_free(&active);
    return result;
}

/* ---- the sets before ---- */

status subscription_set_before(model_db *db, subscription_set *out)
{
    return record_get(db, NULL, key_before, out);
}

status subscription_set_drop_before(model_txn *txn)
{
    subscription_set before;
    TRY(record_get(NULL, txn, key_before, &before));
    bool there = before.items.count > 0;
    subscription_set_free(&before);
    return there ? model_side_delete(txn, bytes_of(key_before, 2)) : ATOLL_OK;
}

static bool holds_query(const subscription_set *s, const subscription *x)
{
    for (size_t i = 0; i < s->items.count; i++) {
        const subscription *y = &s->items.items[i];
        if (strcmp(x->class_name, y->class_name) == 0 && strcmp(x->query, y->query) == 0)
            return true;
    }
    return false;
}

status subscription_set_keep_before(model_txn *txn)
{
    subscription_set before, active;
    TRY(record_get(NULL, txn, key_before, &before));
    status result = record_get(NULL, txn, key_active, &active);
    if (result != ATOLL_OK) {
        subscription_set_free(&before);
        return result;
    }
    for (size_t i = 0; i < active.items.count && result == ATOLL_OK; i++) {
        subscription x = active.items.items[i];
        if (holds_query(&before, &x) || before.items.count >= LIMIT_SUBSCRIPTIONS_MAX) continue;
        subscription copy = {.class_name = copy_of(bytes_text(x.class_name)),
                             .query = copy_of(bytes_text(x.query))};
        result = copy.class_name == NULL || copy.query == NULL ? ATOLL_ERROR_OUT_OF_MEMORY
                                                               : vector_push(&before.items, copy);
        if (result != ATOLL_OK) item_free(&copy);
    }
    if (result == ATOLL_OK && before.items.count > 0) result = record_put(txn, key_before, &before);
    subscription_set_free(&before);
    subscription_set_free(&active);
    return result;
}
