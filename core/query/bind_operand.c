/* Gives the names in a parsed value their properties and fills the arguments in.
 * It must never read rows: whether a query is right depends on the schema and the arguments only.
 * Invariant: after it, no operand is an OPERAND_ARGUMENT, no step a STEP_ARGUMENT, and every text belongs to the
 * query's own memory. */
#include "query/query_internal.h"

status bind_type_error(position at, const char *what)
{
    return fail(ATOLL_ERROR_QUERY_TYPE, "%s (in the query at %u:%u)", what, at.line, at.column);
}

bool type_is_text(value_type type)
{
    return type == VALUE_STRING || type == VALUE_BINARY;
}

bool type_is_link(value_type type)
{
    return type == VALUE_LINK || type == VALUE_EMBEDDED || type == VALUE_TYPED_LINK;
}

bool type_is_number(value_type type)
{
    return value_is_number(type);
}

bool operand_reads_rows(const operand *o)
{
    if (o->kind == OPERAND_PATH || o->kind == OPERAND_SUBQUERY) return true;
    for (size_t i = 0; o->kind == OPERAND_ARITHMETIC && i < o->item_count; i++) {
        if (operand_reads_rows(&o->items[i])) return true;
    }
    return false;
}

/* ---- what the query reads ---- */

status query_note_property(query *q, property_key p)
{
    for (size_t i = 0; i < q->properties.count; i++) {
        if (q->properties.items[i] == p) return ATOLL_OK;
    }
    return vector_push(&q->properties, p);
}

status query_note_dependency(query *q, class_key c, bool life_only)
{
    for (size_t i = 0; i < q->dependencies.count; i++) {
        dependency *known = &q->dependencies.items[i];
        if (known->class_of != c) continue;
        known->life_only = known->life_only && life_only;
        return ATOLL_OK;
    }
    dependency made = {c, life_only};
    return vector_push(&q->dependencies, made);
}

/* ---- arguments ---- */

static status argument_error(const operand *o, const char *what)
{
    return fail(ATOLL_ERROR_QUERY_ARGUMENT, "argument $%llu of the query %s (at %u:%u)",
                (unsigned long long)o->argument, what, o->at.line, o->at.column);
}

/* The argument of that number; *list NULL unless it is a list. */
static status find_argument(const binder *b, position at, uint64_t index, const value **out,
                            const query_arguments **list)
{
    const query_arguments *given = b->arguments;
    size_t count = given == NULL ? 0 : given->count;
    if (index >= count) {
        return fail(ATOLL_ERROR_QUERY_ARGUMENT,
                    "the query uses $%llu at %u:%u, but has %zu arguments",
                    (unsigned long long)index, at.line, at.column, count);
    }
    *out = &given->values[index];
    *list = given->lists == NULL ? NULL : given->lists[index];
    return ATOLL_OK;
}

static bool is_single(value_type type)
{
    return type != VALUE_LIST && type != VALUE_DICTIONARY && type != VALUE_SET &&
           type != VALUE_MIXED;
}

static status copy_value(const binder *b, const value *from, value *out)
{
    *out = *from;
    return type_is_text(from->type)
               ? query_arena_copy(&b->query->memory, from->as.text, &out->as.text)
               : ATOLL_OK;
}

static status bind_list_argument(binder *b, operand *o, const query_arguments *list)
{
    value *constants = query_arena_take(&b->query->memory, list->count * sizeof *constants + 1);
    if (constants == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < list->count; i++) {
        bool nested = list->lists != NULL && list->lists[i] != NULL;
        if (nested || !is_single(list->values[i].type))
            return argument_error(o, "is a list of lists");
        TRY(copy_value(b, &list->values[i], &constants[i]));
    }
    o->kind = OPERAND_CONSTANTS;
    o->constants = constants;
    o->item_count = list->count;
    return ATOLL_OK;
}

static status bind_argument(binder *b, operand *o)
{
    const value *v = NULL;
    const query_arguments *list = NULL;
    TRY(find_argument(b, o->at, o->argument, &v, &list));
    if (list != NULL) return bind_list_argument(b, o, list);
    if (!is_single(v->type)) return argument_error(o, "is no single value");
    TRY(copy_value(b, v, &o->constant));
    o->kind = OPERAND_CONSTANT;
    return ATOLL_OK;
}

/* An argument where the language has a text of its own: a key path, a shape. */
static status text_argument(const binder *b, position at, uint64_t index, const char *what,
                            bytes *out)
{
    const value *v = NULL;
    const query_arguments *list = NULL;
    TRY(find_argument(b, at, index, &v, &list));
    if (list != NULL || v->type != VALUE_STRING)
        return fail(ATOLL_ERROR_QUERY_ARGUMENT, "argument %llu, used at %u:%u, must be %s",
                    (unsigned long long)index, at.line, at.column, what);
    return query_arena_copy(&b->query->memory, v->as.text, out);
}

/* ---- selectors: what is taken of a collection ---- */

static status bind_selector(binder *b, selector *s)
{
    if (s->kind != SELECT_ARGUMENT) return ATOLL_OK;
    const value *v = NULL;
    const query_arguments *list = NULL;
    TRY(find_argument(b, s->at, s->index, &v, &list));
    if (list == NULL && v->type == VALUE_INT && v->as.integer >= 0) {
        s->kind = SELECT_INDEX;
        s->index = (uint64_t)v->as.integer;
        return ATOLL_OK;
    }
    if (list != NULL || v->type != VALUE_STRING)
        return fail(ATOLL_ERROR_QUERY_ARGUMENT,
                    "argument $%llu in brackets at %u:%u must be an index or a key",
                    (unsigned long long)s->index, s->at.line, s->at.column);
    s->kind = SELECT_KEY;
    return query_arena_copy(&b->query->memory, v->as.text, &s->key);
}

static bool selector_is_many(const selector *s)
{
    return s->kind == SELECT_EACH || s->kind == SELECT_KEYS;
}

/* The selectors behind the first reach into the nested collections of a mixed value. */
static status check_selectors(path_step *s)
{
    bool keyed = (s->flags & PROPERTY_DICTIONARY) != 0, list = (s->flags & PROPERTY_LIST) != 0;
    for (size_t i = 0; i < s->selector_count; i++) {
        const selector *one = &s->selectors[i];
        bool nested = s->type == VALUE_MIXED && (i > 0 || !s->list);
        bool by_key = one->kind == SELECT_KEY || one->kind == SELECT_KEYS;
        bool fits =
            nested || (i == 0 && s->list && (one->kind == SELECT_EACH || (by_key ? keyed : list)));
        if (!fits && by_key) return bind_type_error(one->at, "only dictionaries have keys");
        if (!fits) return bind_type_error(one->at, "only lists have an index in brackets");
        if (selector_is_many(one)) s->many = true;
    }
    if (s->selector_count == 0) s->many = s->list;
    return ATOLL_OK;
}

static value_type type_behind_selectors(const path_step *s)
{
    bool keys = s->selector_count > 0 && s->selectors[s->selector_count - 1].kind == SELECT_KEYS;
    return keys ? VALUE_STRING : s->type;
}

/* ---- steps ---- */

static status unknown_property(const model_class *c, const path_step *s)
{
    return fail(ATOLL_ERROR_UNKNOWN_PROPERTY,
                "class '%s' has no property '%.*s' (in the query at %u:%u)", c->name,
                (int)s->name.size, (const char *)s->name.data, s->at.line, s->at.column);
}

static status bind_backlink(binder *b, const model_class *c, path_step *s)
{
    const model_class *origin = schema_class_named(b->schema, s->class_name);
    if (origin == NULL)
        return fail(
            ATOLL_ERROR_UNKNOWN_CLASS, "the schema has no class '%.*s' (in the query at %u:%u)",
            (int)s->class_name.size, (const char *)s->class_name.data, s->at.line, s->at.column);
    const model_property *p = class_property_named(origin, s->name);
    if (p == NULL) return unknown_property(origin, s);
    bool links = p->type == VALUE_LINK || p->type == VALUE_EMBEDDED;
    if (!links || p->target != c->key)
        return fail(ATOLL_ERROR_QUERY_TYPE,
                    "property '%s.%s' does not link to '%s' (in the query at %u:%u)", origin->name,
                    p->name, c->name, s->at.line, s->at.column);
    s->class_of = c->key;
    s->property = p->key;
    s->type = VALUE_LINK;
    s->target = origin->key;
    s->list = s->many = true;
    b->query->crosses_links = true;
    return query_note_dependency(b->query, origin->key, false);
}

/* The count of all links depends on every class that may link here. */
static status bind_backlinks(binder *b, const model_class *c, path_step *s)
{
    s->class_of = c->key;
    s->type = VALUE_INT;
    b->query->crosses_links = true;
    for (size_t i = 0; i < b->schema->class_count; i++) {
        const model_class *origin = &b->schema->classes[i];
        for (size_t k = 0; k < origin->property_count; k++) {
            const model_property *p = &origin->properties[k];
            if (p->target == c->key || p->type == VALUE_MIXED)
                TRY(query_note_dependency(b->query, origin->key, false));
        }
    }
    return ATOLL_OK;
}

static status bind_property(binder *b, const model_class *c, path_step *s, bool first)
{
    const model_property *property = class_property_named(c, s->name);
    if (property == NULL) return unknown_property(c, s);
    s->class_of = c->key;
    s->property = property->key;
    s->type = property->type;
    s->target = property->target;
    s->flags = property->flags;
    s->list = (property->flags & PROPERTY_COLLECTION) != 0;
    s->nullable = (property->flags & PROPERTY_NULLABLE) != 0;
    s->many = false;
    for (size_t i = 0; i < s->selector_count; i++) TRY(bind_selector(b, &s->selectors[i]));
    TRY(check_selectors(s));
    if (!first || b->inner) return query_note_dependency(b->query, c->key, false);
    return b->in_predicate ? query_note_property(b->query, s->property) : ATOLL_OK;
}

static status bind_step(binder *b, const model_class *c, path_step *s, bool first)
{
    switch (s->kind) {
    case STEP_BACKLINK: return bind_backlink(b, c, s);
    case STEP_BACKLINKS: return bind_backlinks(b, c, s);
    case STEP_PROPERTY:
    case STEP_ARGUMENT: break;
    }
    return bind_property(b, c, s, first);
}

/* ---- whole paths ---- */

static size_t argument_count(const operand *o)
{
    size_t count = 0;
    for (size_t i = 0; i < o->step_count; i++) count += o->steps[i].kind == STEP_ARGUMENT;
    return count;
}

/* Puts the steps of the argument's text in the place of `$K0`. */
static status replace_argument(binder *b, operand *o)
{
    size_t at = 0;
    bytes text;
    operand inner;
    arena *memory = &b->query->memory;
    while (o->steps[at].kind != STEP_ARGUMENT) at++;
    const path_step *old = &o->steps[at];
    TRY(text_argument(b, old->at, old->argument, "the text of a key path", &text));
    status parsed = query_parse_path(memory, text, &inner);
    if (parsed != ATOLL_OK)
        return fail_context(
            parsed, "in the key path of argument $%llu: ", (unsigned long long)old->argument);
    bool plain = inner.variable.size == 0 && inner.post == POST_VALUE &&
                 argument_count(&inner) == 0 && old->selector_count == 0;
    if (!plain)
        return fail(ATOLL_ERROR_QUERY_ARGUMENT, "argument %llu, used at %u:%u, is no key path",
                    (unsigned long long)old->argument, old->at.line, old->at.column);
    size_t count = o->step_count - 1 + inner.step_count;
    if (count > LIMIT_QUERY_PATH_MAX) return query_path_too_long(old->at);
    path_step *steps = query_arena_take(memory, count * sizeof *steps + 1);
    if (steps == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    memcpy(steps, o->steps, at * sizeof *steps);
    for (size_t i = 0; i < inner.step_count; i++) {
        steps[at + i] = inner.steps[i];
        steps[at + i].at = old->at;
    }
    memcpy(steps + at + inner.step_count, o->steps + at + 1,
           (o->step_count - at - 1) * sizeof *steps);
    o->steps = steps;
    o->step_count = count;
    return ATOLL_OK;
}

/* `dictionary.key[0]` is `dictionary['key'][0]`: the steps behind it become selectors. */
static status names_to_keys(binder *b, operand *o, size_t at)
{
    size_t end = o->step_count - (o->aggregated ? 1 : 0), total = o->steps[at].selector_count;
    for (size_t i = at + 1; i < end; i++) total += 1 + o->steps[i].selector_count;
    selector *selectors = query_arena_take(&b->query->memory, total * sizeof *selectors + 1);
    path_step *steps = query_arena_take(&b->query->memory, o->step_count * sizeof *steps);
    if (selectors == NULL || steps == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    size_t count = 0;
    for (size_t i = at; i < end; i++) {
        const path_step *s = &o->steps[i];
        if (s->kind != STEP_PROPERTY)
            return bind_type_error(s->at, "expected a key of the dictionary");
        if (i > at)
            selectors[count++] = (selector){.kind = SELECT_KEY, .at = s->at, .key = s->name};
        if (s->selector_count > 0)
            memcpy(selectors + count, s->selectors, s->selector_count * sizeof *selectors);
        count += s->selector_count;
    }
    memcpy(steps, o->steps, (at + 1) * sizeof *steps);
    steps[at].selectors = selectors;
    steps[at].selector_count = count;
    if (o->aggregated) steps[at + 1] = o->steps[o->step_count - 1];
    o->steps = steps;
    o->step_count -= end - at - 1;
    return ATOLL_OK;
}

static bool reads_by_key(const path_step *s)
{
    bool keyed = (s->flags & PROPERTY_DICTIONARY) != 0 && s->selector_count == 0;
    return s->type == VALUE_MIXED ? !s->list || keyed || s->selector_count > 0
                                  : keyed && s->type != VALUE_LINK && s->type != VALUE_EMBEDDED;
}

static status no_link(const model_class *c, const path_step *s)
{
    return fail(ATOLL_ERROR_QUERY_TYPE,
                "property '%s.%.*s' is no link, it has no property '%.*s' (in the query at %u:%u)",
                c->name, (int)s->name.size, (const char *)s->name.data, (int)s[1].name.size,
                (const char *)s[1].name.data, s[1].at.line, s[1].at.column);
}

/* A mixed value may link to an object of any class, and is null once that is gone; a list or dictionary in it is a row
 * of a hidden class. */
static status note_mixed(binder *b)
{
    for (size_t i = 0; i < b->schema->class_count; i++) {
        const model_class *c = &b->schema->classes[i];
        TRY(query_note_dependency(b->query, c->key, !schema_class_is_hidden(c)));
    }
    return ATOLL_OK;
}

static status bind_steps(binder *b, operand *o)
{
    const model_class *c = b->class_of;
    for (size_t i = 0; i < o->step_count; i++) {
        TRY(bind_step(b, c, &o->steps[i], i == 0));
        bool more = i + 1 + (o->aggregated ? 1 : 0) < o->step_count;
        if (more && o->steps[i].kind == STEP_PROPERTY && reads_by_key(&o->steps[i])) {
            TRY(names_to_keys(b, o, i));
            TRY(bind_step(b, c, &o->steps[i], i == 0));
        }
        path_step *s = &o->steps[i];
        bool last = i + 1 == o->step_count, counted = last && o->post == POST_COUNT;
        if (s->many && !counted) o->many = true;
        bool link = s->type == VALUE_LINK || s->type == VALUE_EMBEDDED;
        if (link) TRY(query_note_dependency(b->query, s->target, true));
        if (s->type == VALUE_MIXED && s->kind == STEP_PROPERTY) TRY(note_mixed(b));
        if (last) break;
        if (!link) return no_link(c, s);
        if (b->in_predicate) b->query->crosses_links = true;
        c = schema_class(b->schema, s->target);
        if (c == NULL)
            return fail(ATOLL_ERROR_INTERNAL, "a link's class is missing from the schema");
    }
    return ATOLL_OK;
}

/* The type of what stands behind @min, @max, @sum and @avg. */
static status bind_aggregate(operand *o)
{
    const path_step *end = &o->steps[o->step_count - 1];
    bool ordered = o->post == POST_MINIMUM || o->post == POST_MAXIMUM;
    value_type type = type_behind_selectors(end);
    if (!o->many) return bind_type_error(o->at, "@min, @max, @sum and @avg need a list");
    if (o->aggregated && end->many)
        return bind_type_error(end->at, "an aggregate needs a property of one value");
    if (!type_is_number(type) && type != VALUE_MIXED && !(ordered && type == VALUE_TIMESTAMP))
        return fail(ATOLL_ERROR_QUERY_TYPE, "%s has no %s (in the query at %u:%u)",
                    value_type_name(type), ordered ? "@min and @max" : "@sum and @avg",
                    end->at.line, end->at.column);
    o->many = false;
    o->type = type;
    if (o->post == POST_AVERAGE && type != VALUE_DECIMAL && type != VALUE_MIXED)
        o->type = VALUE_DOUBLE;
    if (o->post == POST_SUM && type == VALUE_FLOAT) o->type = VALUE_DOUBLE;
    return ATOLL_OK;
}

static status bind_post(operand *o)
{
    const path_step *end = &o->steps[o->step_count - 1];
    value_type type = type_behind_selectors(end);
    switch (o->post) {
    case POST_VALUE: o->type = type; break;
    case POST_COUNT:
        if (!end->many && !type_is_text(type) && type != VALUE_MIXED && end->kind != STEP_BACKLINKS)
            return bind_type_error(o->at, "only lists, strings and binaries have @count");
        o->type = VALUE_INT;
        break;
    case POST_TYPE:
        if (type != VALUE_MIXED) return bind_type_error(o->at, "only mixed values have @type");
        o->type = VALUE_INT;
        break;
    case POST_MINIMUM:
    case POST_MAXIMUM:
    case POST_SUM:
    case POST_AVERAGE: return bind_aggregate(o);
    }
    bool bare = end->kind == STEP_BACKLINKS && o->post != POST_COUNT;
    return bare ? bind_type_error(end->at, "expected @links.@count or @links.Class.property")
                : ATOLL_OK;
}

status bind_path(binder *b, operand *o)
{
    o->many = false;
    while (argument_count(o) > 0) TRY(replace_argument(b, o));
    if (o->step_count == 0) {
        if (o->post != POST_VALUE || o->quantifier != QUANTIFIER_NONE_WRITTEN)
            return bind_type_error(o->at, "a variable alone is one object");
        o->type = VALUE_LINK;
        o->target = b->class_of->key;
        return ATOLL_OK;
    }
    TRY(bind_steps(b, o));
    TRY(bind_post(o));
    o->target = o->steps[o->step_count - 1].target;
    if (o->quantifier != QUANTIFIER_NONE_WRITTEN && !o->many)
        return bind_type_error(o->at, "ANY, ALL and NONE need a list on the path");
    return ATOLL_OK;
}

/* ---- the other values ---- */

static status bind_object(binder *b, operand *o)
{
    const model_class *c = schema_class_named(b->schema, o->class_name);
    if (c == NULL)
        return fail(
            ATOLL_ERROR_UNKNOWN_CLASS, "the schema has no class '%.*s' (in the query at %u:%u)",
            (int)o->class_name.size, (const char *)o->class_name.data, o->at.line, o->at.column);
    const model_property *key = class_property(c, c->primary_key);
    if (key == NULL)
        return fail(ATOLL_ERROR_QUERY_TYPE,
                    "class '%s' has no primary key for obj() (in the query at %u:%u)", c->name,
                    o->at.line, o->at.column);
    operand *item = &o->items[0];
    if (item->kind == OPERAND_ARGUMENT) TRY(bind_argument(b, item));
    if (item->kind != OPERAND_CONSTANT) return argument_error(item, "is no single value");
    bool fits = item->constant.type == key->type || item->constant.type == VALUE_NULL;
    if (!fits)
        return fail(ATOLL_ERROR_QUERY_TYPE,
                    "the key of '%s' is of type %s, not %s (in the query at %u:%u)", c->name,
                    value_type_name(key->type), value_type_name(item->constant.type), item->at.line,
                    item->at.column);
    o->constant = item->constant;
    o->type = VALUE_LINK;
    o->target = c->key;
    b->query->crosses_links = true;
    return query_note_dependency(b->query, c->key, true);
}

static status bind_constants(binder *b, operand *o)
{
    value *constants = query_arena_take(&b->query->memory, o->item_count * sizeof *constants + 1);
    if (constants == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < o->item_count; i++) {
        operand *item = &o->items[i];
        if (item->kind == OPERAND_ARGUMENT) TRY(bind_argument(b, item));
        if (item->kind == OPERAND_CONSTANTS) return argument_error(item, "is a list inside a list");
        if (item->kind == OPERAND_OBJECT) {
            TRY(bind_object(b, item));
            o->has_objects = true;
            constants[i] = value_link(0); /* No row: who reads it sees has_objects first. */
        } else {
            constants[i] = item->constant;
        }
    }
    o->constants = constants;
    return ATOLL_OK;
}

/* A number as written becomes one of the property's kind: 0.1 equals the float 0.1 and the decimal 0.1, which the
 * double 0.1 does not. */
static void fit_number(const operand *written, value_type type, value *v)
{
    decimal d;
    if (written->literal.size == 0) {
        /* An argument, or worked out: exactly what it is, but a decimal, so that its text reads back as the same. */
        if (type == VALUE_DECIMAL && v->type == VALUE_DOUBLE) {
            d = decimal_from_double(v->as.real);
            *v = value_decimal(&d);
        }
        return;
    }
    if (type == VALUE_FLOAT && v->type == VALUE_DOUBLE) *v = value_float((float)v->as.real);
    if (type != VALUE_DECIMAL) return;
    bytes text = written->literal;
    if ((text.data[text.size - 1] | 32) == 'f' && text.size > 1 && text.data[text.size - 2] < 'A')
        text.size--; /* the suffix, not the end of inf */
    if (v->type == VALUE_INT)
        d = decimal_from_int(v->as.integer);
    else if (decimal_parse(text, &d) != ATOLL_OK)
        d = decimal_from_double(v->as.real);
    *v = value_decimal(&d);
}

void bind_fit_numbers(value_type type, operand *o)
{
    if (type != VALUE_FLOAT && type != VALUE_DECIMAL) return;
    if (o->kind == OPERAND_CONSTANT) fit_number(o, type, &o->constant);
    o->stays_double = type == VALUE_FLOAT && o->kind == OPERAND_CONSTANT &&
                      o->constant.type == VALUE_DOUBLE && !value_is_nan(&o->constant) &&
                      (double)(float)o->constant.as.real != o->constant.as.real;
    if (o->kind == OPERAND_CONSTANT) o->type = o->constant.type;
    for (size_t i = 0; o->kind == OPERAND_CONSTANTS && o->items != NULL && i < o->item_count; i++)
        fit_number(&o->items[i], type, &o->constants[i]);
}

/* A chain of constants becomes one, so that it is compared as fast as if it had been written so. */
static void settle_arithmetic(operand *o)
{
    value total = o->items[0].constant;
    for (size_t i = 0; i < o->item_count; i++) {
        if (o->items[i].kind != OPERAND_CONSTANT) return;
        if (i > 0) total = value_calculate(o->operators[i], &total, &o->items[i].constant);
    }
    o->kind = OPERAND_CONSTANT;
    o->constant = total;
}

static status bind_arithmetic(binder *b, operand *o)
{
    for (size_t i = 0; i < o->item_count; i++) {
        operand *item = &o->items[i];
        TRY(bind_operand(b, item));
        bool fits = type_is_number(item->type) || item->type == VALUE_MIXED ||
                    (item->kind == OPERAND_CONSTANT && item->type == VALUE_NULL);
        if (item->many || item->quantifier != QUANTIFIER_NONE_WRITTEN || item->post == POST_TYPE)
            return bind_type_error(item->at, "arithmetic works on single numbers, not on lists");
        if (!fits)
            return fail(ATOLL_ERROR_QUERY_TYPE,
                        "arithmetic works on numbers, not on %s (in the query at %u:%u)",
                        value_type_name(item->type), item->at.line, item->at.column);
        o->type = i == 0 ? item->type : arithmetic_type(o->type, item->type);
    }
    for (size_t i = 0; i < o->item_count; i++) bind_fit_numbers(o->type, &o->items[i]);
    settle_arithmetic(o);
    return ATOLL_OK;
}

static status bind_subquery(binder *b, operand *o)
{
    operand path = *o;
    path.kind = OPERAND_PATH;
    TRY(bind_path(b, &path));
    if (!path.many || (path.type != VALUE_LINK && path.type != VALUE_EMBEDDED))
        return bind_type_error(o->at, "SUBQUERY needs a list of objects");
    const model_class *target = schema_class(b->schema, path.target);
    if (target == NULL)
        return fail(ATOLL_ERROR_INTERNAL, "a link's class is missing from the schema");
    if (class_property_named(target, o->inner_variable) != NULL)
        return bind_type_error(o->at, "the variable of a SUBQUERY is also the name of a property");
    b->query->crosses_links = true;
    binder inner = *b;
    inner.class_of = target;
    inner.inner = true;
    TRY(bind_node(&inner, o->predicate));
    o->steps = path.steps;
    o->step_count = path.step_count;
    o->target = path.target;
    o->type = VALUE_INT;
    return ATOLL_OK;
}

status bind_operand(binder *b, operand *o)
{
    o->many = false;
    switch (o->kind) {
    case OPERAND_PATH: return bind_path(b, o);
    case OPERAND_SUBQUERY: return bind_subquery(b, o);
    case OPERAND_ARITHMETIC: TRY(bind_arithmetic(b, o)); break;
    case OPERAND_OBJECT: return bind_object(b, o);
    case OPERAND_ARGUMENT: TRY(bind_argument(b, o)); break;
    case OPERAND_CONSTANTS:
        if (o->constants == NULL) TRY(bind_constants(b, o));
        break;
    case OPERAND_CONSTANT:
    case OPERAND_SHAPE: break;
    }
    if (o->kind == OPERAND_CONSTANT) o->type = o->constant.type;
    if (o->kind == OPERAND_CONSTANTS) o->many = true;
    return ATOLL_OK;
}

/* ---- shapes ---- */

static status bind_numbers(binder *b, const operand *o, double *to)
{
    for (size_t i = 0; i < o->item_count; i++) {
        operand *item = &o->items[i];
        if (item->kind == OPERAND_ARGUMENT) TRY(bind_argument(b, item));
        const value *v = &item->constant;
        bool number = item->kind == OPERAND_CONSTANT &&
                      (v->type == VALUE_INT || v->type == VALUE_DOUBLE || v->type == VALUE_FLOAT);
        if (!number) return argument_error(item, "must be a number");
        to[i] = v->type == VALUE_INT ? (double)v->as.integer : v->as.real;
    }
    return ATOLL_OK;
}

/* The left side: an embedded object with type: string and coordinates: list of double. */
static status find_point(binder *b, const operand *path, geo_shape *shape)
{
    static const char wanted[] = "GEOWITHIN needs an embedded object with a string `type` and a "
                                 "list of double `coordinates` on its left";
    bool embedded = path->kind == OPERAND_PATH && path->type == VALUE_EMBEDDED;
    const model_class *c = embedded ? schema_class(b->schema, path->target) : NULL;
    if (c == NULL) return bind_type_error(path->at, wanted);
    const model_property *type = class_property_named(c, bytes_text("type")),
                         *coordinates = class_property_named(c, bytes_text("coordinates"));
    bool fits = type != NULL && type->type == VALUE_STRING &&
                (type->flags & PROPERTY_COLLECTION) == 0 && coordinates != NULL &&
                coordinates->type == VALUE_DOUBLE && (coordinates->flags & PROPERTY_LIST) != 0;
    if (!fits) return bind_type_error(path->at, wanted);
    shape->type = type->key;
    shape->coordinates = coordinates->key;
    b->query->crosses_links = true;
    return query_note_dependency(b->query, c->key, false);
}

status bind_shape(binder *b, const operand *path, operand *o)
{
    arena *memory = &b->query->memory;
    if (o->kind == OPERAND_ARGUMENT) {
        bytes text;
        operand parsed;
        TRY(text_argument(b, o->at, o->argument,
                          "a shape as text: geoBox(...), geoCircle(...) or geoPolygon(...)",
                          &text));
        status read = query_parse_shape(memory, text, &parsed);
        if (read != ATOLL_OK)
            return fail_context(
                read, "in the shape of argument $%llu: ", (unsigned long long)o->argument);
        if (parsed.kind != OPERAND_SHAPE) return argument_error(o, "is no shape");
        parsed.at = o->at;
        *o = parsed;
    }
    geo_shape *shape = query_arena_take(memory, sizeof *shape);
    double *numbers = query_arena_take(memory, o->item_count * sizeof *numbers + 1);
    if (shape == NULL || numbers == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    TRY(bind_numbers(b, o, numbers));
    shape->kind = words_equal(o->shape_name, "geobox")      ? SHAPE_BOX
                  : words_equal(o->shape_name, "geocircle") ? SHAPE_CIRCLE
                                                            : SHAPE_POLYGON;
    shape->numbers = numbers;
    shape->ring_sizes = o->ring_sizes;
    shape->ring_count = o->ring_count;
    TRY(find_point(b, path, shape));
    TRY(geo_prepare(memory, shape, o->at));
    o->shape = shape;
    return ATOLL_OK;
}
