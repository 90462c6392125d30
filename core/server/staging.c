/* Staging: the messages of a batch that is not complete yet, as they came: a few in memory, the rest in a spool.
 * It must never keep more in memory than its bounds say, nor decode more than one message at a time. Invariant: `size` of a
 * batch, and of the app the sum over its peers, count every byte that is kept, wherever it is. */
#include "server/app.h"

enum { STREAM_MEMORY_MAX = 1 << 20, APP_MEMORY_MAX = 64 << 20 };

#define STAGED_MAX (4ull << 30)

static uint64_t staged_max(const server_app *app)
{
    return app->options.staged_max == 0 ? STAGED_MAX : app->options.staged_max;
}

static void close_open(staged_batch *b)
{
    if (!b->is_open) return;
    client_message_free(&b->open);
    arena_free(&b->memory);
    b->is_open = false;
}

void staging_drop(server_app *app, staged_batch *b)
{
    early_drop_batch(app, b);
    close_open(b);
    for (size_t i = 0; i < b->parts.count; i++) memory_free(b->parts.items[i].data);
    vector_free(&b->parts);
    spool_free(b->spool);
    app->staged_size -= b->size;
    app->staged_memory -= b->memory_size;
    *b = (staged_batch){0};
}

/* Whoever holds most makes room: a batch that is never finished must not keep out those of others. */
static status make_room(peer *p, size_t size)
{
    static const char text[] = "the server holds too many unfinished batches: come again";
    server_app *app = p->app;
    uint64_t room = staged_max(app);
    peer *largest = p;
    if (p->staged.size + size > room)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "a batch of more than %llu bytes: the app's staged_megabytes_max bounds it",
                    (unsigned long long)room);
    if (app->staged_size + size <= room) return ATOLL_OK;
    for (size_t i = 0; i < app->peers.count; i++) {
        if (app->peers.items[i]->staged.size > largest->staged.size) largest = app->peers.items[i];
    }
    if (largest == p) return fail(ATOLL_ERROR_BUSY, "%s", text);
    peer_end(largest, ATOLL_ERROR_BUSY, text, false);
    return ATOLL_OK;
}

static status put_aside(server_app *app, staged_batch *b, bytes message, staged_part *part)
{
    const server_app_options *o = &app->options;
    uint64_t stream = o->staged_memory == 0 ? STREAM_MEMORY_MAX : o->staged_memory;
    bool fits = b->memory_size + message.size <= stream &&
                app->staged_memory + message.size <= APP_MEMORY_MAX;
    if (!fits && o->spools.open != NULL) {
        if (b->spool == NULL) TRY(o->spools.open(o->spools.context, &b->spool));
        part->at = b->spool->size;
        return spool_append(b->spool, message);
    }
    part->data = memory_allocate(message.size);
    if (part->data == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    memcpy(part->data, message.data, message.size);
    return ATOLL_OK;
}

static void note_first(staged_batch *b, const wire_upload *u)
{
    memcpy(b->id, u->batch.data, sizeof b->id);
    b->has_previous = u->previous_batch.size == sizeof b->previous;
    if (b->has_previous) memcpy(b->previous, u->previous_batch.data, sizeof b->previous);
    b->bound = u->bound;
    b->cursor = u->cursor;
}

status staging_add(peer *p, bytes message, arena *memory, client_message *m)
{
    staged_batch *b = &p->staged;
    const wire_upload *u = &m->upload;
    staged_part part = {.size = message.size};
    b->gone = &p->gone;
    TRY(make_room(p, message.size));
    TRY(vector_reserve(&b->parts, 1));
    for (size_t i = 0; i < u->rows.count; i++)
        part.embedded |= u->rows.items[i]->owner_class[0] != '\0';
    bool alone = b->parts.count == 0 && u->last; /* It is never read again. */
    if (!alone) TRY(put_aside(p->app, b, message, &part));
    if (b->parts.count == 0) note_first(b, u);
    b->parts.items[b->parts.count++] = part;
    b->size += part.size;
    p->app->staged_size += part.size;
    b->memory_size += part.data == NULL ? 0 : part.size;
    p->app->staged_memory += part.data == NULL ? 0 : part.size;
    if (!u->last) return ATOLL_OK;
    /* What was decoded just now is what will be read first, or last. */
    b->open = *m;
    b->memory = *memory;
    b->open_part = b->parts.count - 1;
    b->is_open = true;
    *m = (client_message){0};
    arena_init(memory, 0);
    return ATOLL_OK;
}

/* Those in memory are read where they are. */
static status fetch(staged_batch *b, const staged_part *part, buffer *room, bytes *out)
{
    *out = bytes_of(part->data, part->size);
    if (part->data != NULL) return ATOLL_OK;
    if (b->spool == NULL) return fail(ATOLL_ERROR_INTERNAL, "a part of a batch is kept nowhere");
    TRY(buffer_reserve(room, part->size));
    TRY(spool_read(b->spool, part->at, room->data, part->size));
    *out = bytes_of(room->data, part->size);
    return ATOLL_OK;
}

status staging_read(staged_batch *b, size_t i, const wire_upload **out)
{
    bytes message;
    buffer room;
    if (b->is_open && b->open_part == i) {
        *out = &b->open.upload;
        return ATOLL_OK;
    }
    close_open(b);
    buffer_init(&room, LIMIT_MESSAGE_SIZE_MAX);
    status result = fetch(b, &b->parts.items[i], &room, &message);
    if (result == ATOLL_OK) {
        peer_arena_init(&b->memory, message);
        b->is_open = true;
        b->open_part = i;
        result = codec_client_read(message, &b->memory, &b->open);
    }
    if (result == ATOLL_OK && b->gone != NULL) removed_from_upload(b->gone, &b->open.upload);
    buffer_free(&room);
    if (result != ATOLL_OK) {
        close_open(b);
        return result;
    }
    *out = &b->open.upload;
    return ATOLL_OK;
}
