#ifndef ATOLL_MODEL_CHANGESET_H
#define ATOLL_MODEL_CHANGESET_H
#include "model/list.h"

/* The log record of a commit: a header (format, origin, clocks) and operations in the order in which they were made.
 * Redo, notification and upload all read it. Operations name row keys and list positions: replaying them in order on
 * the state before gives the state after.
 *
 * Payload of an asymmetric row: varint n, then n × (varint property, item); item = a value as value_write gives it
 * (a link is the local row key: its key column outlives the row in realms that sync); VALUE_EMBEDDED is followed by a
 * nested payload instead of a row; VALUE_LIST (of a list or set) is followed by varint count and count items, VALUE_DICTIONARY by
 * varint count and count × (key, item). */
typedef enum operation_kind {
    OP_LIFE = 1,        /* from, to */
    OP_KEY = 2,         /* value: key column and index */
    OP_UNKEY = 3,       /* hash: out of the index */
    OP_DROP = 4,        /* values go; all: the key too */
    OP_SET = 5,         /* property, value, is_default */
    OP_LIST_INSERT = 6, /* property, position, element */
    OP_LIST_SET = 7,    /* property, position, element (value, stamps); an erased one comes back */
    OP_LIST_ERASE = 8,  /* property, position; all: it moves elsewhere */
    OP_LIST_CLEAR = 9,  /* property, position = the new life */
    OP_LIST_STORE = 10, /* property, blob */
    OP_OWNER = 11,      /* id, owner */
    OP_ASYMMETRIC = 12, /* blob */
    OP_SCHEMA = 13,     /* blob */
    OP_INCREMENT = 14,  /* property, value: what is added, wrapping; a null stays null */
    OP_LIST_MOVE = 15,  /* property, position, hash = the position afterwards */
    OP_FORGET =
        30, /* property: its column; 0: the key index of the class, or with all everything in it */
    OP_REKEY = 31 /* hash: into the index */
} operation_kind;

typedef struct operation {
    operation_kind kind;
    class_key class_of;
    row_key row;
    property_key property;
    bool is_default, all;
    uint8_t from, to;
    uint64_t hash, position;
    value value;
    list_element element;
    model_owner owner;
    uint8_t id[16];
    bytes blob;
} operation;

typedef struct record_header {
    commit_origin origin;
    int64_t wall_ms;
    uint64_t monotonic_ms, boot_id;
} record_header;

/* The writer's end: rows are named once while consecutive operations stay with one. */
typedef struct changeset_writer {
    buffer *to;
    class_key last_class;
    row_key last_row;
} changeset_writer;
status changeset_header(buffer *to, const record_header *header) MUST_CHECK;
status changeset_write(changeset_writer *w,
                       const operation *o) MUST_CHECK; /* nothing is appended on failure */

typedef struct changeset_reader {
    reader from;
    class_key last_class;
    row_key last_row;
} changeset_reader;
status changeset_open(changeset_reader *r, bytes record, record_header *header) MUST_CHECK;
/* *out_more false at the end; FILE_CORRUPT on bad bytes. Views point into the record. */
status changeset_next(changeset_reader *r, operation *out, bool *out_more) MUST_CHECK;

/* An operation without its values. Not *plain: it is of a kind that this does not tell, and nothing more can be read. */
typedef struct change_step {
    operation_kind kind; /* OP_LIFE, OP_KEY, OP_SET */
    class_key class_of;
    row_key row;
    property_key property;
    bool is_default;
    uint8_t lives; /* from, and to times 16 */
} change_step;
status changeset_step(changeset_reader *r, change_step *out, bool *out_more,
                      bool *plain) MUST_CHECK;
/* fold.c: a record that nobody reads values from. Not *foldable: it has other kinds of operations, and *out is as it was. */
status changes_fold(bytes record, buffer *out, bool *foldable) MUST_CHECK;
typedef status (*fold_visitor)(void *context, const operation *o);
status changes_unfold(bytes folded, fold_visitor each, void *context) MUST_CHECK;

/* Folding records into row changes. */
typedef struct changes_builder changes_builder;
status changes_builder_new(changes_builder **out) MUST_CHECK;
status changes_builder_add(changes_builder *b, bytes record) MUST_CHECK;
status changes_builder_add_folded(changes_builder *b, bytes folded) MUST_CHECK;
/* The same, and what the record has of asymmetric objects: views of it. */
typedef VECTOR(asymmetric_row) asymmetric_vector;
status changes_builder_take(changes_builder *b, bytes record,
                            asymmetric_vector *asymmetric) MUST_CHECK;
status changes_builder_finish(changes_builder *b,
                              model_changes **out) MUST_CHECK; /* frees b in any case */
#endif
