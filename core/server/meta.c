/* What the server remembers of rows that left somebody's view; image.c has which fields decide about that, marks.c the rest.
 * It must never be asked for more than what changed. Invariant: whoever changes what is on a declared path of a row, or ends
 * its life, has written a leave record of it in the same commit. */
#include "server/app.h"

enum { VERSION_KEY_SIZE = 22, META_SIZE_MAX = 64u << 20 };

static void version_key_of(uint8_t key[VERSION_KEY_SIZE], char kind, uint64_t version, class_key c,
                           row_key row)
{
    key[0] = 's';
    key[1] = (uint8_t)kind;
    key_put_u64(key + 2, version);
    key_put_u32(key + 10, c);
    key_put_u64(key + 14, row);
}

/* ---- leave records ---- */

status meta_leave(server_app *app, model_txn *txn, class_key c, row_key row, const row_mark *before,
                  row_mark *now, uint64_t version)
{
    uint8_t key[VERSION_KEY_SIZE];
    buffer record;
    bool found = false;
    buffer_init(&record, META_SIZE_MAX);
    version_key_of(key, 'l', version, c, row);
    /* The first of a commit counts: what was before the commit. */
    status result = model_side_get_txn(txn, bytes_of(key, sizeof key), &record, &found);
    if (result == ATOLL_OK && !found) {
        buffer_clear(&record);
        result = buffer_append_varint(&record, before->life);
        if (result == ATOLL_OK) result = buffer_append_varint(&record, before->since);
        if (result == ATOLL_OK) result = buffer_append_varint(&record, before->since_author);
        if (result == ATOLL_OK) result = buffer_append_varint(&record, before->left);
        if (result == ATOLL_OK) result = image_write(app, model_txn_view(txn), c, row, &record);
        if (result == ATOLL_OK)
            result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&record));
    }
    buffer_free(&record);
    if (result == ATOLL_OK) now->left = version;
    return result;
}

static status leave_parse(uint64_t version, bytes from, leave_record *out)
{
    reader r = reader_of(from);
    *out = (leave_record){.version = version};
    buffer_init(&out->values, META_SIZE_MAX);
    out->life = reader_varint(&r);
    out->since = reader_varint(&r);
    out->since_author = reader_varint(&r);
    out->previous = reader_varint(&r);
    if (r.failed) return fail(ATOLL_ERROR_FILE_CORRUPT, "a leave record is damaged");
    return buffer_append(&out->values, r.at, (size_t)(r.end - r.at));
}

status meta_leaves(server_app *app, uint64_t after, meta_leave_each each, void *context)
{
    uint8_t from[VERSION_KEY_SIZE];
    const uint8_t to[2] = {'s', 'l' + 1};
    storage_iterator *i = NULL;
    bytes key, value;
    version_key_of(from, 'l', after + 1, 0, 0);
    TRY(model_side_iterate(app->db, bytes_of(from, sizeof from), bytes_of(to, 2), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &value)) {
        leave_record record;
        if (key.size != VERSION_KEY_SIZE) continue;
        result = leave_parse(key_get_u64(key.data + 2), value, &record);
        if (result == ATOLL_OK)
            result = each(context, key_get_u32(key.data + 10), key_get_u64(key.data + 14), &record);
        buffer_free(&record.values);
    }
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

/* Each leads to the one before it. One that is missing was trimmed: nobody may ask for what is behind it. */
status meta_oldest_leave(server_app *app, model_txn *txn, class_key c, row_key row,
                         const row_mark *m, uint64_t after, uint64_t ident, leave_record *out,
                         bool *found)
{
    buffer record;
    bool there = true, own_life = false;
    status result = ATOLL_OK;
    *found = false;
    buffer_init(&record, META_SIZE_MAX);
    for (uint64_t at = m->left; at > after && there && result == ATOLL_OK;) {
        uint8_t key[VERSION_KEY_SIZE];
        leave_record one;
        version_key_of(key, 'l', at, c, row);
        result = txn == NULL ? model_side_get(app->db, bytes_of(key, sizeof key), &record, &there)
                             : model_side_get_txn(txn, bytes_of(key, sizeof key), &record, &there);
        if (result != ATOLL_OK || !there) break;
        result = leave_parse(at, buffer_view(&record), &one);
        if (result != ATOLL_OK) break;
        own_life |= one.since > after && one.since_author == ident;
        if (*found) buffer_free(&out->values);
        *out = one;
        out->own_life = own_life;
        *found = true;
        at = one.previous < at ? one.previous : 0;
    }
    buffer_free(&record);
    if (result != ATOLL_OK && *found) buffer_free(&out->values);
    *found &= result == ATOLL_OK;
    return result;
}

status meta_drop_leave(model_txn *txn, uint64_t version, class_key c, row_key row)
{
    uint8_t key[VERSION_KEY_SIZE];
    version_key_of(key, 'l', version, c, row);
    return model_side_delete(txn, bytes_of(key, sizeof key));
}
