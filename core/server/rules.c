/* Rules of a session: the first role of each class that applies to the user, with the user's values in its conditions.
 * It must never allow what no role allows once an app has roles, nor read a document to choose a role.
 * Invariant: equal fingerprints mean that the same objects and fields are visible. */
#include "server/rules.h"

#include "base/log.h"

static const char category[] = "Realm.Sync.Server";

static void class_rules_free(class_rules *c)
{
    if (c->read != NULL) query_free(c->read);
    if (c->write != NULL) query_free(c->write);
    vector_free(&c->fields);
}

void rules_free(session_rules *r)
{
    for (size_t i = 0; i < r->classes.count; i++) class_rules_free(&r->classes.items[i]);
    vector_free(&r->classes);
    *r = (session_rules){0};
}

const class_rules *rules_of(const session_rules *r, class_key c)
{
    for (size_t i = 0; i < r->classes.count; i++) {
        if (r->classes.items[i].class_of == c) return &r->classes.items[i];
    }
    return NULL;
}

static const field_rule *field_of(const class_rules *c, property_key p)
{
    for (size_t i = 0; c != NULL && i < c->fields.count; i++) {
        if (c->fields.items[i].property == p) return &c->fields.items[i];
    }
    return NULL;
}

bool rules_reads_field(const session_rules *r, class_key c, property_key p)
{
    const class_rules *x = rules_of(r, c);
    const field_rule *f = field_of(x, p);
    return !r->restricts || (f != NULL ? f->read : x != NULL && x->read_others);
}

bool rules_writes_field(const session_rules *r, class_key c, property_key p)
{
    const class_rules *x = rules_of(r, c);
    const field_rule *f = field_of(x, p);
    return !r->restricts || (f != NULL ? f->write : x != NULL && x->write_others);
}

status rules_top_owner(const model_view *view, model_owner *owner)
{
    const model_schema *schema = model_view_schema(view);
    for (const model_class *c = schema_class(schema, owner->class_of);
         c != NULL && c->kind == CLASS_EMBEDDED; c = schema_class(schema, owner->class_of))
        TRY(model_owner_get(view, owner->class_of, owner->row, owner));
    return ATOLL_OK;
}

/* ---- judging ---- */

const char rules_no_insert[] = "the user may not create objects of this class",
           rules_no_remove[] = "the user may not delete this object",
           rules_no_write[] = "the user may not write this object",
           rules_no_field[] = "the user may not write this field of the object",
           rules_no_partition[] = "the user may not write in this partition",
           rules_key_taken[] = "the key is not free",
           rules_outside[] = "the object is outside of the current view";

/* What can't be seen is refused as if it were only outside of the view: nothing is told of it. */
const char *rules_judge(const session_rules *r, const rules_question *q)
{
    const class_rules *c = rules_of(r, q->class_of);
    if (!r->writes_partition) return rules_no_partition;
    if (!r->restricts) return NULL;
    if (c == NULL) return q->alive_before ? rules_outside : rules_no_insert;
    bool sees = q->alive_before && c->reads &&
                (c->read == NULL || query_matches(c->read, q->before, q->row));
    if (q->alive_before && !sees) return q->joined ? rules_key_taken : rules_outside;
    if (q->creates && !c->insert) return rules_no_insert;
    if (q->removes && !c->remove) return rules_no_remove;
    bool ends = q->removes && !q->creates;
    bool before =
        !q->alive_before || c->write == NULL || query_matches(c->write, q->before, q->row);
    bool after =
        ends || q->later || c->write == NULL || query_matches_values(c->write, q->get, q->context);
    if (!c->writes || !before || !after) return ends ? rules_no_remove : rules_no_write;
    return q->forbidden && !ends ? rules_no_field : NULL;
}

/* ---- making ---- */

static const class_roles *roles_of(const role_set *s, const char *class_name)
{
    const class_roles *others = NULL;
    for (size_t i = 0; i < s->classes.count; i++) {
        const class_roles *c = &s->classes.items[i];
        if (c->class_name == NULL)
            others = c;
        else if (strcmp(c->class_name, class_name) == 0)
            return c;
    }
    return others;
}

/* *some false: no object. */
static status make_filter(const model_schema *schema, const model_class *c, const role *from,
                          const char *condition, const role_subject *subject, query **out,
                          bool *some)
{
    *some = true;
    if (condition == NULL) return ATOLL_OK;
    status result = role_filter(schema, c, condition, subject, out);
    if (result == ATOLL_ERROR_OUT_OF_MEMORY) return result;
    if (result != ATOLL_OK) {
        /* Default roles meet classes without the field all the time. */
        log_write(result == ATOLL_ERROR_UNKNOWN_PROPERTY ? LOG_DEBUG : LOG_WARN, category,
                  "role '%s' gives nothing of class '%s': %s", from->name, c->name, fail_text());
    }
    const query *q = *out;
    query_path_vector paths = {0};
    result = q == NULL ? ATOLL_OK : query_paths(q, &paths);
    vector_free(&paths);
    if (result == ATOLL_ERROR_OUT_OF_MEMORY) return result;
    if (result != ATOLL_OK)
        log_write(LOG_WARN, category, "role '%s' gives nothing of class '%s': %s", from->name,
                  c->name, fail_text());
    *some = q != NULL && result == ATOLL_OK;
    return ATOLL_OK;
}

/* Who may write an object may read it. */
static status join_read(const model_schema *schema, class_rules *c)
{
    buffer text;
    query *q = NULL;
    if (c->read == NULL) return ATOLL_OK;
    if (c->write == NULL) {
        query_free(c->read);
        c->read = NULL;
        return ATOLL_OK;
    }
    bytes read = query_text(c->read), write = query_text(c->write);
    if (bytes_equal(read, write)) { /* As in most roles: one is kept. */
        query_free(c->read);
        c->read = query_retain(c->write);
        return ATOLL_OK;
    }
    buffer_init(&text, 4u << 20);
    status result = buffer_append_byte(&text, '(');
    if (result == ATOLL_OK) result = buffer_append(&text, read.data, read.size);
    if (result == ATOLL_OK) result = buffer_append(&text, ") or (", 6);
    if (result == ATOLL_OK) result = buffer_append(&text, write.data, write.size);
    if (result == ATOLL_OK) result = buffer_append_byte(&text, ')');
    if (result == ATOLL_OK) result = query_new(schema, c->class_of, buffer_view(&text), NULL, &q);
    buffer_free(&text);
    if (result != ATOLL_OK) return result;
    query_free(c->read);
    c->read = q;
    return ATOLL_OK;
}

static status take_fields(const model_class *c, const role *from, class_rules *to, bool *reads,
                          bool *writes)
{
    *reads = from->read_others || from->write_others;
    *writes = from->write_others;
    to->read_others = from->read_others || from->write_others;
    to->write_others = from->write_others;
    for (size_t i = 0; i < from->fields.count; i++) {
        const role_field *f = &from->fields.items[i];
        const model_property *p = class_property_named(c, bytes_text(f->name));
        if (p == NULL) continue; /* It may come. */
        field_rule rule = {p->key, f->read || f->write, f->write};
        *reads |= rule.read;
        *writes |= rule.write;
        TRY(vector_push(&to->fields, rule));
    }
    return ATOLL_OK;
}

static status take_role(const model_schema *schema, const model_class *c, const role *from,
                        const role_subject *subject, class_rules *to)
{
    TRY(make_filter(schema, c, from, from->read, subject, &to->read, &to->reads));
    TRY(make_filter(schema, c, from, from->write, subject, &to->write, &to->writes));
    bool reads = false, writes = false;
    TRY(take_fields(c, from, to, &reads, &writes));
    to->insert = from->insert;
    to->remove = from->remove;
    writes &= to->writes;
    if (!to->reads && writes && to->write != NULL) {
        if (to->read != NULL) query_free(to->read);
        to->read = query_retain(to->write);
    } else if (to->reads && writes) {
        TRY(join_read(schema, to));
    }
    to->reads = reads && (to->reads || writes);
    return ATOLL_OK;
}

static status choose(const class_roles *from, const role_subject *subject, const role **out)
{
    *out = NULL;
    for (size_t i = 0; from != NULL && i < from->roles.count; i++) {
        const role *r = &from->roles.items[i];
        bool applies = false;
        status result = role_applies(r->apply_when, subject, &applies);
        if (result == ATOLL_ERROR_OUT_OF_MEMORY) return result;
        if (result != ATOLL_OK) {
            /* A condition that can't be answered must not lead to the more generous role below it. */
            log_write(LOG_WARN, category, "role '%s' can't be decided: %s", r->name, fail_text());
            return ATOLL_OK;
        }
        if (!applies) continue;
        *out = r;
        return ATOLL_OK;
    }
    return ATOLL_OK;
}

/* A class that is seen whole counts for nothing, so that new ones change nothing; sums, so that the order does not either. */
static uint64_t fingerprint_of(const model_class *c, const class_rules *x)
{
    uint64_t hash = hash_bytes(c->name, strlen(c->name), 1);
    if (x == NULL || !x->reads) return hash;
    uint64_t fields = x->read_others ? 0 : 1;
    for (size_t i = 0; i < x->fields.count; i++) {
        const field_rule *f = &x->fields.items[i];
        if (f->read != x->read_others) fields = hash_u64(fields + hash_u64(f->property));
    }
    if (x->read == NULL && fields == 0) return 0;
    bytes text = x->read == NULL ? bytes_text("") : query_text(x->read);
    return hash_bytes(text.data, text.size, hash_u64(hash + fields));
}

static status add_class(const role_set *roles, const model_schema *schema, const model_class *c,
                        bool counts, const role_subject *subject, session_rules *to)
{
    const role *from = NULL;
    class_rules rules = {.class_of = c->key};
    TRY(choose(roles_of(roles, c->name), subject, &from));
    if (from == NULL) {
        to->fingerprint += counts ? fingerprint_of(c, NULL) : 0;
        return ATOLL_OK;
    }
    status result = take_role(schema, c, from, subject, &rules);
    if (result == ATOLL_OK) result = vector_push(&to->classes, rules);
    if (result != ATOLL_OK) {
        class_rules_free(&rules);
        return result;
    }
    to->fingerprint += counts ? fingerprint_of(c, &rules) : 0;
    return ATOLL_OK;
}

static status make_rules(const role_set *roles, const model_schema *schema,
                         const model_schema *client, const role_subject *subject, session_rules *to)
{
    to->restricts = roles->restricts;
    if (subject->partition != NULL) {
        TRY(role_applies(roles->partition_write, subject, &to->writes_partition));
        TRY(role_applies(roles->partition_read, subject, &to->reads_partition));
        to->reads_partition |= to->writes_partition;
    }
    for (size_t i = 0; roles->restricts && i < schema->class_count; i++) {
        const model_class *c = &schema->classes[i];
        if (c->kind == CLASS_EMBEDDED) continue; /* Parts of others. */
        bool counts = schema_class_named(client, bytes_text(c->name)) != NULL;
        TRY(add_class(roles, schema, c, counts, subject, to));
    }
    return ATOLL_OK;
}

status rules_new(const role_set *roles, const model_schema *schema, const model_schema *client,
                 const role_subject *subject, session_rules *out)
{
    session_rules made = {.reads_partition = true, .writes_partition = true};
    status result = roles == NULL ? ATOLL_OK : make_rules(roles, schema, client, subject, &made);
    if (result != ATOLL_OK) {
        rules_free(&made);
        return result;
    }
    *out = made;
    return ATOLL_OK;
}
