/* Leaves of collections: elements packed into arrays, and read from them. It must never know of trees or of the store.
 * Invariant: an element that is read equals the one that was packed, whatever the neighbours are. Numbers are loaded
 * eight bytes at a time, which is why a leaf has padding and why the machine must be little-endian. */
#include "model/leaf.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "leaves are read where they lie");

enum { FLAG_LEFT = 1, FLAG_ERASED = 2, FLAG_NULL = 4, FLAG_ALL = 7 };
enum { WIDTH_LINEAR = 0x40, TYPE_ANY = 0xff, LEAF_COUNT_LIMIT = 1 << 20 };

/* ---- numbers ---- */
status leaf_numbers_write(buffer *to, const uint64_t *from, size_t count)
{
    int64_t least = count == 0 ? 0 : (int64_t)from[0], most = least;
    bool linear = count > 1;
    for (size_t i = 0; i < count; i++) {
        int64_t x = (int64_t)from[i];
        if (x < least) least = x;
        if (x > most) most = x;
        linear = linear && from[i] == from[0] + i;
    }
    uint64_t span = (uint64_t)most - (uint64_t)least;
    uint8_t width = span == 0 ? 0 : (uint8_t)((71 - __builtin_clzll(span)) / 8);
    if (linear) width = 0;
    TRY(buffer_append_byte(to, (uint8_t)(width | (linear ? WIDTH_LINEAR : 0))));
    TRY(buffer_append_varint(to, ((uint64_t)least << 1) ^ (uint64_t)(least >> 63)));
    TRY(buffer_reserve(to, count * width + LEAF_PADDING));
    uint8_t *at = to->data + to->size;
    for (size_t i = 0; i < count && width != 0; i++, at += width) {
        uint64_t difference = from[i] - (uint64_t)least;
        memcpy(at, &difference, sizeof difference);
    }
    to->size += count * width;
    return ATOLL_OK;
}

leaf_numbers leaf_numbers_read(reader *from, size_t count)
{
    uint8_t head = reader_byte(from);
    uint64_t base = reader_varint(from);
    leaf_numbers n = {.base = (base >> 1) ^ (0 - (base & 1)),
                      .width = head & 15,
                      .linear = (head & WIDTH_LINEAR) != 0};
    if (n.width > 8 || (head & ~(15 | WIDTH_LINEAR)) != 0) from->failed = true;
    bytes data = reader_take(from, from->failed ? 0 : count * n.width);
    n.data = data.data;
    return n;
}

/* ---- reading ---- */
static size_t raw_width(uint8_t type)
{
    switch (type) {
    case VALUE_DOUBLE: return 8;
    case VALUE_FLOAT: return 4;
    case VALUE_OBJECT_ID: return 12;
    case VALUE_UUID:
    case VALUE_DECIMAL: return 16;
    default: return 0;
    }
}

static bool has_heap(uint8_t type)
{
    return type == VALUE_STRING || type == VALUE_BINARY || type == TYPE_ANY;
}

static size_t last_end(const leaf_numbers *ends, size_t count)
{
    return count == 0 ? 0 : (size_t)leaf_number(ends, count - 1);
}

/* For bytes that nobody has checked; leaf_open does the same without the checks. */
static void open_checked(reader *r, uint32_t count, leaf_view *v)
{
    uint64_t present = v->present = reader_varint(r);
    if (present >> (LEAF_EMBEDDED + 1) != 0) r->failed = true;
    for (int i = 0; i < LEAF_COLUMNS && !r->failed; i++) {
        v->columns[i] = (leaf_numbers){0};
        if ((present >> i & 1) != 0) v->columns[i] = leaf_numbers_read(r, count);
    }
    v->type = reader_byte(r);
    if (r->failed) return;
    size_t heap = has_heap(v->type) ? last_end(&v->columns[LEAF_NUMBER], count) : 0;
    bool embedded = (present >> LEAF_EMBEDDED & 1) != 0;
    v->embedded = embedded ? reader_take(r, (size_t)count * 16).data : NULL;
    v->keys = reader_take(r, last_end(&v->columns[LEAF_KEY_END], count)).data;
    v->values = reader_take(r, heap + count * raw_width(v->type)).data;
}

static inline uint64_t take_varint(const uint8_t **at)
{
    uint64_t x = *(*at)++;
    if (x < 128) return x;
    x &= 127;
    for (unsigned shift = 7;; shift += 7) {
        uint64_t byte = *(*at)++;
        x |= (byte & 127) << shift;
        if (byte < 128) return x;
    }
}

void leaf_open(const list_leaf *leaf, leaf_view *out)
{
    const uint8_t *at = leaf->packed;
    memset(out->columns, 0, sizeof out->columns);
    out->leaf = leaf;
    out->present = take_varint(&at);
    for (uint64_t left = out->present & ((1u << LEAF_COLUMNS) - 1); left != 0; left &= left - 1) {
        leaf_numbers *n = &out->columns[__builtin_ctzll(left)];
        uint8_t head = *at++;
        uint64_t base = take_varint(&at);
        *n = (leaf_numbers){.base = (base >> 1) ^ (0 - (base & 1)),
                            .data = at,
                            .width = head & 15,
                            .linear = (head & WIDTH_LINEAR) != 0};
        at += (size_t)leaf->count * n->width;
    }
    out->type = *at++;
    out->embedded = NULL;
    if ((out->present >> LEAF_EMBEDDED & 1) != 0) {
        out->embedded = at;
        at += (size_t)leaf->count * 16;
    }
    out->keys = at;
    out->values = at + last_end(&out->columns[LEAF_KEY_END], leaf->count);
}

bool leaf_erased(const leaf_view *v, uint32_t i)
{
    return (leaf_number(&v->columns[LEAF_FLAGS], i) & FLAG_ERASED) != 0;
}

static bytes text_at(const leaf_numbers *ends, const uint8_t *heap, uint32_t i)
{
    size_t from = i == 0 ? 0 : (size_t)leaf_number(ends, i - 1);
    size_t size = (size_t)leaf_number(ends, i) - from;
    return size == 0 ? bytes_of("", 0) : bytes_of(heap + from, size);
}

static value value_at(const leaf_view *v, uint32_t i)
{
    value out = {.type = (value_type)v->type};
    const leaf_numbers *numbers = &v->columns[LEAF_NUMBER];
    size_t width = raw_width(v->type);
    float narrow;
    switch (v->type) {
    case VALUE_BOOL: out.as.boolean = leaf_number(numbers, i) != 0; return out;
    case VALUE_INT: out.as.integer = (int64_t)leaf_number(numbers, i); return out;
    case VALUE_LINK:
    case VALUE_EMBEDDED: out.as.row = leaf_number(numbers, i); return out;
    case VALUE_TIMESTAMP:
        out.as.timestamp.seconds = (int64_t)leaf_number(numbers, i);
        out.as.timestamp.nanoseconds =
            (int32_t)(int64_t)leaf_number(&v->columns[LEAF_NANOSECONDS], i);
        return out;
    case VALUE_DOUBLE: memcpy(&out.as.real, v->values + i * width, width); return out;
    case VALUE_FLOAT:
        memcpy(&narrow, v->values + i * width, width);
        out.as.real = (double)narrow;
        return out;
    case VALUE_OBJECT_ID:
    case VALUE_UUID:
    case VALUE_DECIMAL: memcpy(out.as.id, v->values + i * width, width); return out;
    case VALUE_STRING:
    case VALUE_BINARY: out.as.text = text_at(numbers, v->values, i); return out;
    default: break;
    }
    reader r = reader_of(text_at(numbers, v->values, i));
    return value_read(&r);
}

void leaf_value(const leaf_view *v, uint32_t i, value *out, bytes *key)
{
    bool null = (leaf_number(&v->columns[LEAF_FLAGS], i) & FLAG_NULL) != 0;
    *key = (v->present >> LEAF_KEY_END & 1) == 0 ? bytes_of("", 0)
                                                 : text_at(&v->columns[LEAF_KEY_END], v->keys, i);
    *out = null ? value_null() : value_at(v, i);
}

enum { /* what only merging needs */
       MERGE_COLUMNS = 1 << LEAF_PARENT_COUNTER | 1 << LEAF_PARENT_ACTOR | 1 << LEAF_STAMP |
                       1 << LEAF_VALUE_STAMP | 1 << LEAF_VALUE_ACTOR | 1 << LEAF_TOUCHED
};

void leaf_element(const leaf_view *v, uint32_t i, list_element *out)
{
    const leaf_numbers *c = v->columns;
    uint64_t flags = leaf_number(&c[LEAF_FLAGS], i);
    *out = (list_element){
        .id = {leaf_number(&c[LEAF_ID_COUNTER], i), leaf_number(&c[LEAF_ID_ACTOR], i)},
        .side = (flags & FLAG_LEFT) != 0 ? LIST_SIDE_LEFT : LIST_SIDE_RIGHT,
        .erased = (flags & FLAG_ERASED) != 0};
    leaf_value(v, i, &out->value, &out->key);
    if (v->embedded != NULL) memcpy(out->embedded, v->embedded + (size_t)i * 16, 16);
    if ((v->present & MERGE_COLUMNS) == 0) return;
    out->parent.counter = leaf_number(&c[LEAF_PARENT_COUNTER], i);
    out->parent.actor = leaf_number(&c[LEAF_PARENT_ACTOR], i);
    out->stamp = leaf_number(&c[LEAF_STAMP], i);
    out->value_stamp = leaf_number(&c[LEAF_VALUE_STAMP], i);
    out->value_actor = leaf_number(&c[LEAF_VALUE_ACTOR], i);
    out->touched = leaf_number(&c[LEAF_TOUCHED], i);
}

static void rebase(bytes *text, const uint8_t *from, const uint8_t *to)
{
    if (text->size != 0) text->data = to + (text->data - from);
}

status leaf_unpack(const list_leaf *leaf, list_state *out)
{
    list_state s;
    leaf_view v;
    list_state_init(&s);
    leaf_open(leaf, &v);
    /* Keys and texts lie one behind the other. */
    size_t heap = (size_t)(v.values - v.keys) +
                  (has_heap(v.type) ? last_end(&v.columns[LEAF_NUMBER], leaf->count) : 0);
    status result = vector_reserve(&s.elements, leaf->count + 8u);
    if (result == ATOLL_OK && heap != 0) result = buffer_reserve(&s.heap, heap + heap / 8);
    if (result == ATOLL_OK && heap != 0) result = buffer_append(&s.heap, v.keys, heap);
    if (result != ATOLL_OK) {
        list_state_free(&s);
        return result;
    }
    for (uint32_t i = 0; i < leaf->count; i++) {
        list_element *e = &s.elements.items[i];
        leaf_element(&v, i, e);
        rebase(&e->key, v.keys, s.heap.data);
        bool text = e->value.type == VALUE_STRING || e->value.type == VALUE_BINARY;
        if (text) rebase(&e->value.as.text, v.keys, s.heap.data);
    }
    s.elements.count = leaf->count;
    *out = s;
    return ATOLL_OK;
}

/* ---- packing ---- */
static uint64_t meta_of(const list_element *e, int column)
{
    switch (column) {
    case LEAF_FLAGS:
        return (e->side == LIST_SIDE_LEFT ? FLAG_LEFT : 0u) | (e->erased ? FLAG_ERASED : 0u) |
               (e->value.type == VALUE_NULL ? FLAG_NULL : 0u);
    case LEAF_ID_COUNTER: return e->id.counter;
    case LEAF_ID_ACTOR: return e->id.actor;
    case LEAF_PARENT_COUNTER: return e->parent.counter;
    case LEAF_PARENT_ACTOR: return e->parent.actor;
    case LEAF_STAMP: return e->stamp;
    case LEAF_VALUE_STAMP: return e->value_stamp;
    case LEAF_VALUE_ACTOR: return e->value_actor;
    default: return e->touched;
    }
}

static uint8_t common_type(const list_element *elements, size_t count)
{
    uint8_t type = VALUE_NULL;
    for (size_t i = 0; i < count; i++) {
        uint8_t own = (uint8_t)elements[i].value.type;
        if (own == VALUE_NULL || own == type) continue;
        if (type != VALUE_NULL) return TYPE_ANY;
        type = own;
    }
    bool known = raw_width(type) != 0 || has_heap(type) || type == VALUE_NULL ||
                 type == VALUE_BOOL || type == VALUE_INT || type == VALUE_TIMESTAMP ||
                 type == VALUE_LINK || type == VALUE_EMBEDDED;
    return known ? type : TYPE_ANY;
}

/* What an element gives to the column of numbers; a null takes the number before, which costs no width. */
static status number_of(const list_element *e, uint8_t type, buffer *heap, uint64_t *out)
{
    const value *v = &e->value;
    if (type == TYPE_ANY) {
        if (v->type != VALUE_NULL) TRY(value_write(heap, v));
        *out = heap->size;
        return ATOLL_OK;
    }
    if (has_heap(type)) {
        if (v->type != VALUE_NULL) TRY(buffer_append(heap, v->as.text.data, v->as.text.size));
        *out = heap->size;
        return ATOLL_OK;
    }
    if (v->type == VALUE_NULL) return ATOLL_OK;
    if (v->type == VALUE_BOOL) *out = v->as.boolean;
    if (v->type == VALUE_INT) *out = (uint64_t)v->as.integer;
    if (v->type == VALUE_LINK || v->type == VALUE_EMBEDDED) *out = v->as.row;
    if (v->type == VALUE_TIMESTAMP) *out = (uint64_t)v->as.timestamp.seconds;
    return ATOLL_OK;
}

static status raw_of(const list_element *e, uint8_t type, buffer *heap)
{
    static const uint8_t zeros[16];
    size_t width = raw_width(type);
    if (width == 0) return ATOLL_OK;
    if (e->value.type == VALUE_NULL) return buffer_append(heap, zeros, width);
    if (type == VALUE_DOUBLE) return buffer_append(heap, &e->value.as.real, width);
    float narrow = (float)e->value.as.real;
    if (type == VALUE_FLOAT) return buffer_append(heap, &narrow, width);
    return buffer_append(heap, e->value.as.id, width);
}

typedef struct packing {
    buffer columns, keys, values, embedded;
    uint64_t *numbers;
    uint64_t present;
} packing;

/* Columns of meta_of that are not all zero. */
static uint64_t meta_present(const list_element *elements, size_t count)
{
    uint64_t all[LEAF_TOUCHED + 1] = {0}, present = 0;
    for (size_t i = 0; i < count; i++) {
        const list_element *e = &elements[i];
        all[LEAF_FLAGS] |= meta_of(e, LEAF_FLAGS);
        all[LEAF_ID_COUNTER] |= e->id.counter;
        all[LEAF_ID_ACTOR] |= e->id.actor;
        all[LEAF_PARENT_COUNTER] |= e->parent.counter;
        all[LEAF_PARENT_ACTOR] |= e->parent.actor;
        all[LEAF_STAMP] |= e->stamp;
        all[LEAF_VALUE_STAMP] |= e->value_stamp;
        all[LEAF_VALUE_ACTOR] |= e->value_actor;
        all[LEAF_TOUCHED] |= e->touched;
    }
    for (int i = 0; i <= LEAF_TOUCHED; i++) present |= (uint64_t)(all[i] != 0) << i;
    return present;
}

static status put_column(packing *p, int column, size_t count)
{
    bool zero = true;
    for (size_t i = 0; i < count && zero; i++) zero = p->numbers[i] == 0;
    if (zero) return ATOLL_OK;
    p->present |= (uint64_t)1 << column;
    return leaf_numbers_write(&p->columns, p->numbers, count);
}

static status pack_columns(packing *p, const list_element *elements, size_t count, uint8_t type)
{
    static const uint8_t zeros[16];
    uint64_t present = meta_present(elements, count);
    for (int column = LEAF_FLAGS; column <= LEAF_TOUCHED; column++) {
        if ((present >> column & 1) == 0) continue;
        for (size_t i = 0; i < count; i++) p->numbers[i] = meta_of(&elements[i], column);
        TRY(put_column(p, column, count));
    }
    for (size_t i = 0; i < count; i++) {
        if (elements[i].key.size != 0)
            TRY(buffer_append(&p->keys, elements[i].key.data, elements[i].key.size));
        p->numbers[i] = p->keys.size;
    }
    TRY(put_column(p, LEAF_KEY_END, count));
    uint64_t number = 0;
    for (size_t i = 0; i < count; i++) {
        TRY(number_of(&elements[i], type, &p->values, &number));
        TRY(raw_of(&elements[i], type, &p->values));
        p->numbers[i] = number;
    }
    TRY(put_column(p, LEAF_NUMBER, count));
    bool held = false;
    for (size_t i = 0; i < count; i++) {
        const value *v = &elements[i].value;
        bool fraction = type == VALUE_TIMESTAMP && v->type == type;
        p->numbers[i] = fraction ? (uint64_t)(int64_t)v->as.timestamp.nanoseconds : 0;
        held = held || memcmp(elements[i].embedded, zeros, 16) != 0;
    }
    TRY(put_column(p, LEAF_NANOSECONDS, count));
    for (size_t i = 0; i < count && held; i++)
        TRY(buffer_append(&p->embedded, elements[i].embedded, 16));
    if (held) p->present |= (uint64_t)1 << LEAF_EMBEDDED;
    return ATOLL_OK;
}

static status join(const packing *p, const list_element *elements, size_t count, uint8_t type,
                   list_leaf **out)
{
    size_t size = 1 + p->columns.size + p->embedded.size + p->keys.size + p->values.size;
    list_leaf *leaf = memory_allocate_zero(sizeof *leaf + size + 10 + LEAF_PADDING);
    if (leaf == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    uint8_t *at = leaf->packed;
    for (uint64_t bits = p->present;; bits >>= 7) {
        *at++ = (uint8_t)((bits & 127) | (bits > 127 ? 128 : 0));
        if (bits <= 127) break;
    }
    if (p->columns.size != 0) memcpy(at, p->columns.data, p->columns.size);
    at += p->columns.size;
    *at++ = type;
    const buffer *parts[] = {&p->embedded, &p->keys, &p->values};
    for (int i = 0; i < 3; i++) {
        if (parts[i]->size != 0) memcpy(at, parts[i]->data, parts[i]->size);
        at += parts[i]->size;
    }
    leaf->size = (uint32_t)(at - leaf->packed);
    leaf->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) leaf->visible += !elements[i].erased;
    *out = leaf;
    return ATOLL_OK;
}

status leaf_pack(const list_element *elements, size_t count, list_leaf **out)
{
    packing p = {.numbers = memory_allocate((count + 1) * sizeof(uint64_t))};
    buffer *buffers[] = {&p.columns, &p.keys, &p.values, &p.embedded};
    uint8_t type = common_type(elements, count);
    if (p.numbers == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (int i = 0; i < 4; i++) buffer_init(buffers[i], LIST_HEAP_SIZE_MAX);
    status result = pack_columns(&p, elements, count, type);
    if (result == ATOLL_OK) result = join(&p, elements, count, type, out);
    for (int i = 0; i < 4; i++) buffer_free(buffers[i]);
    memory_free(p.numbers);
    return result;
}

/* ---- from the store ---- */
static bool ends_rise(const leaf_numbers *ends, uint32_t count)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t end = leaf_number(ends, i);
        if (end < before || end > LIST_HEAP_SIZE_MAX) return false;
        before = end;
    }
    return true;
}

/* Looks at a copy that is padded already: the columns must lie inside of it, and texts inside of the heaps. */
static bool is_sound(list_leaf *leaf)
{
    leaf_view v = {.leaf = leaf};
    reader r = reader_of(bytes_of(leaf->packed, leaf->size));
    open_checked(&r, leaf->count, &v);
    if (r.failed || r.at != r.end) return false;
    if (!ends_rise(&v.columns[LEAF_KEY_END], leaf->count)) return false;
    if (has_heap(v.type) && !ends_rise(&v.columns[LEAF_NUMBER], leaf->count)) return false;
    bool known = v.type == TYPE_ANY || v.type <= VALUE_DECIMAL;
    for (uint32_t i = 0; i < leaf->count && known; i++) {
        uint64_t flags = leaf_number(&v.columns[LEAF_FLAGS], i);
        known = flags <= FLAG_ALL;
        leaf->visible += (flags & FLAG_ERASED) == 0;
    }
    return known;
}

status leaf_read(bytes packed, list_leaf **out)
{
    reader r = reader_of(packed);
    uint64_t count = reader_varint(&r);
    size_t size = (size_t)(r.end - r.at);
    if (r.failed || count > LEAF_COUNT_LIMIT || size > UINT32_MAX - 64)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "a collection of the realm is damaged");
    list_leaf *leaf = memory_allocate_zero(sizeof *leaf + size + LEAF_PADDING);
    if (leaf == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (size != 0) memcpy(leaf->packed, r.at, size);
    leaf->count = (uint32_t)count;
    leaf->size = (uint32_t)size;
    if (is_sound(leaf)) {
        *out = leaf;
        return ATOLL_OK;
    }
    memory_free(leaf);
    return fail(ATOLL_ERROR_FILE_CORRUPT, "a collection of the realm is damaged");
}
