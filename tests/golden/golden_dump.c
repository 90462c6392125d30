/* A realm as text: classes and properties in the order of their keys, objects in that of their rows, values in full but
 * for long ones, which say their length and a sum. Nothing that is drawn by lot is in it. */
#include "golden.h"

static void say(buffer *to, const char *text)
{
    MUST(buffer_append(to, text, strlen(text)));
}

static void say_number(buffer *to, const char *format, unsigned long long number)
{
    char text[64];
    int size = snprintf(text, sizeof text, format, number);
    MUST(buffer_append(to, text, (size_t)size));
}

static void say_bytes(buffer *to, bytes b)
{
    enum { SHORT = 40 };
    if (b.size <= SHORT) {
        MUST(buffer_append(to, b.data, b.size));
        return;
    }
    say_number(to, "%llu bytes of sum ", b.size);
    say_number(to, "%llx", crc32c(0, b.data, b.size));
}

typedef struct dump {
    const model_view *view;
    buffer *to;
} dump;

static void say_object(dump *d, class_key c, row_key row, int depth);

static void say_collection(dump *d, class_key c, row_key row, const model_property *p, int depth);

static void say_nested(dump *d, const value *v, int depth)
{
    const model_class *c = schema_class(model_view_schema(d->view), v->as.link.class_of);
    say_collection(d, c->key, v->as.link.row, &c->properties[0], depth);
}

static void say_value(dump *d, const model_property *p, const value *v, int depth)
{
    buffer *to = d->to;
    say(to, v->type == VALUE_NULL ? "null" : value_type_name(v->type));
    say(to, " ");
    switch (v->type) {
    case VALUE_NULL: break;
    case VALUE_BOOL: say_number(to, "%llu", v->as.boolean); break;
    case VALUE_INT: say_number(to, "%lld", (unsigned long long)v->as.integer); break;
    case VALUE_DOUBLE:
    case VALUE_FLOAT: {
        uint64_t bits;
        memcpy(&bits, &v->as.real, 8);
        say_number(to, "%llx", bits);
        break;
    }
    case VALUE_STRING:
    case VALUE_BINARY: say_bytes(to, v->as.text); break;
    case VALUE_TIMESTAMP:
        say_number(to, "%lld:", (unsigned long long)v->as.timestamp.seconds);
        say_number(to, "%llu", (unsigned long long)v->as.timestamp.nanoseconds);
        break;
    case VALUE_UUID:
    case VALUE_DECIMAL:
    case VALUE_OBJECT_ID:
        for (int i = 0; i < (v->type == VALUE_OBJECT_ID ? 12 : 16); i++)
            say_number(to, "%02llx", v->as.id[i]);
        break;
    case VALUE_LINK: say_number(to, "%llu", v->as.row); break;
    case VALUE_TYPED_LINK: say_number(to, "%llu", v->as.link.row); break;
    case VALUE_EMBEDDED: say_object(d, p->target, v->as.row, depth + 1); break;
    default: say_nested(d, v, depth + 1); break;
    }
}

static void say_collection(dump *d, class_key c, row_key row, const model_property *p, int depth)
{
    uint64_t count = 0;
    MUST(model_list_size(d->view, c, row, p->key, &count));
    say_number(d->to, "%llu [", count);
    for (uint64_t i = 0; i < count; i++) {
        value v;
        bytes key;
        if ((p->flags & PROPERTY_DICTIONARY) != 0) {
            MUST(model_dictionary_key(d->view, c, row, p->key, i, &key));
            say_bytes(d->to, key);
            say(d->to, ": ");
        }
        MUST(model_list_get(d->view, c, row, p->key, i, &v, NULL));
        say_value(d, p, &v, depth);
        say(d->to, ", ");
    }
    say(d->to, "]");
}

static void say_object(dump *d, class_key c, row_key row, int depth)
{
    const model_class *class_of = schema_class(model_view_schema(d->view), c);
    for (size_t i = 0; i < class_of->property_count; i++) {
        const model_property *p = &class_of->properties[i];
        value v;
        say(d->to, depth == 0 ? "\n  " : "; ");
        say(d->to, p->name);
        say(d->to, " = ");
        if ((p->flags & PROPERTY_COLLECTION) != 0) {
            say_collection(d, c, row, p, depth);
            continue;
        }
        MUST(model_get(d->view, c, row, p->key, &v));
        say_value(d, p, &v, depth);
    }
}

static bool holds_row(const model_rows *rows, row_key row)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i] == row) return true;
    return false;
}

/* What leads to the object: its key, its indexed values, the words of its text, links. */
static void check_ways(dump *d, const model_class *c, row_key row)
{
    uint64_t links = 0;
    for (size_t i = 0; i < c->property_count; i++) {
        const model_property *p = &c->properties[i];
        model_rows rows = {0};
        row_key found = 0;
        value v;
        if ((p->flags & (PROPERTY_INDEXED | PROPERTY_PRIMARY_KEY)) != 0)
            MUST(model_get(d->view, c->key, row, p->key, &v));
        if ((p->flags & PROPERTY_PRIMARY_KEY) != 0) {
            MUST(model_find(d->view, c->key, &v, &found));
            cr_assert_eq(found, row, "the key of %s %lu leads to %lu", c->name, row, found);
        } else if ((p->flags & PROPERTY_INDEXED) != 0 && v.type != VALUE_LIST &&
                   v.type != VALUE_DICTIONARY) {
            MUST(model_index_rows(d->view, c->key, p->key, &v, &rows));
            cr_assert(holds_row(&rows, row), "the index of %s.%s lacks %lu", c->name, p->name, row);
        }
        vector_free(&rows);
    }
    MUST(model_backlink_count(d->view, c->key, row, &links));
    say_number(d->to, "\n  links here: %llu", links);
}

static void check_words(dump *d, const model_class *c)
{
    const model_property *p = class_property_named(c, bytes_text("words"));
    if (p == NULL) return;
    for (int i = 0; i < 40; i++) {
        char word[16];
        model_rows rows = {0};
        snprintf(word, sizeof word, "word%d", i);
        MUST(model_text_rows(d->view, c->key, p->key, bytes_text(word), &rows));
        say_number(d->to, "\nthe word is in %llu texts", rows.count);
        vector_free(&rows);
    }
}

void golden_dump(model_db *db, buffer *to)
{
    model_view *view = model_view_newest(db);
    dump d = {view, to};
    const model_schema *schema = model_view_schema(view);
    buffer_clear(to);
    say_number(to, "schema version %llu", schema->version);
    for (size_t i = 0; i < schema->class_count; i++) {
        const model_class *c = &schema->classes[i];
        uint64_t cursor = 0;
        model_segment segment;
        status scanned = ATOLL_OK;
        say(to, "\n\nclass ");
        say(to, c->name);
        say_number(to, ": %llu objects", model_count(view, c->key));
        check_words(&d, c);
        while (c->kind != CLASS_EMBEDDED && model_scan(view, c->key, &cursor, &segment, &scanned))
            for (row_key k = 0; k < MODEL_BLOCK_ROWS; k++) {
                if ((segment.alive[k / 64] >> (k % 64) & 1) == 0) continue;
                say_number(to, "\nobject %llu", segment.first + k);
                say_object(&d, c->key, segment.first + k, 0);
                check_ways(&d, c, segment.first + k);
            }
        MUST(scanned);
    }
    model_view_release(view);
}
