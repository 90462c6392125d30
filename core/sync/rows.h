#ifndef ATOLL_SYNC_ROWS_H
#define ATOLL_SYNC_ROWS_H
#include "sync/wire.h"

/* Between the engine's rows and the wire's, for both sides: keys, fields, lists, embedded objects. No policy: what to send
 * and what to take is decided by the callers. */

/* The key under which a row travels: primary key, or the 16 bytes of an embedded object (type VALUE_EMBEDDED). */
status rows_key(const model_view *view, const model_class *c, row_key row, value *out) MUST_CHECK;
/* A field as on the wire: a link becomes its target's key, an embedded object its identity; but a link of a mixed value
 * stays a local row here. */
status rows_field(const model_view *view, const model_class *c, row_key row,
                  const model_property *p, value *out) MUST_CHECK;
status rows_put_field(wire_builder *b, wire_rows *group, const model_view *view,
                      const model_class *c, row_key row, const model_property *p, uint64_t stamp,
                      bool is_default) MUST_CHECK;
/* What the rows of a run have of a property, all in one block of the engine. Not *plain, and nothing is read: their values are
 * to be read one by one. */
enum { ROWS_RUN_MAX = 256 };
status rows_read_run(const model_view *view, const model_class *c, row_key first, size_t count,
                     const model_property *p, value values[ROWS_RUN_MAX], bool *plain) MUST_CHECK;
/* Elements whose `touched` is above `after` (and at or below `until`); the life always. Nothing when there is nothing. */
status rows_put_list(wire_builder *b, wire_rows *group, const model_view *view,
                     const model_class *c, row_key row, const model_property *p, uint64_t after,
                     uint64_t until, uint64_t stamp) MUST_CHECK;
value_type rows_key_type(const model_view *view,
                         const model_property *p); /* of a link's target; NULL otherwise */

/* The property that a column means, or NULL with ATOLL_OK when the class doesn't have it. TYPE_MISMATCH otherwise. */
status rows_property(const model_schema *schema, const model_class *c, const wire_column *column,
                     const model_property **out) MUST_CHECK;
/* Sets a field from the wire unless it holds that value already. Links get ghosts, embedded slots their object. */
status rows_set(model_txn *txn, const model_class *c, row_key row, const model_property *p,
                const value *v) MUST_CHECK;
status rows_reset(model_txn *txn, const model_class *c, row_key row,
                  const model_property *p) MUST_CHECK; /* null, zero or empty */
/* The incoming collection as the engine knows it: links become rows, sets and dictionaries stand in order. */
status rows_list_in(model_txn *txn, const model_property *p, const wire_column *column,
                    size_t entry, list_state *out) MUST_CHECK;
status rows_list_merge(const model_property *p, list_state *into,
                       const list_state *other) MUST_CHECK;
/* Stores a collection: the embedded objects and nested collections of its elements exist then. */
status rows_list_store(model_txn *txn, const model_class *c, row_key row, const model_property *p,
                       list_state *state) MUST_CHECK;

/* Walks the embedded objects below a row, owners before the owned. */
typedef status (*rows_visitor)(void *context, const model_class *c, row_key row,
                               const model_owner *owner);
status rows_walk_field(const model_view *view, const model_class *c, row_key row,
                       const model_property *p, rows_visitor visit, void *context) MUST_CHECK;
status rows_walk_embedded(const model_view *view, const model_class *c, row_key row,
                          rows_visitor visit, void *context) MUST_CHECK;
/* The group and row entry of an embedded object; its columns follow. */
status rows_put_embedded(wire_builder *b, const model_view *view, const model_class *c, row_key row,
                         const model_owner *owner, wire_rows **group) MUST_CHECK;
static inline bool rows_id_is_zero(const uint8_t id[16])
{
    for (int i = 0; i < 16; i++) {
        if (id[i] != 0) return false;
    }
    return true;
}
#endif
