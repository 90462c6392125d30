#ifndef ATOLL_TOOLS_TABLE_H
#define ATOLL_TOOLS_TABLE_H
#include "base/vector.h"
#include "base/bytes.h"

/* A file of rows in memory: CSV with a header line, or one JSON object a line. */
typedef enum cell_kind { CELL_EMPTY = 0, CELL_BOOL, CELL_INT, CELL_DOUBLE, CELL_STRING } cell_kind;
typedef struct cell {
    cell_kind kind;
    bytes text;      /* as it stands in the file; borrowed */
    int64_t integer; /* BOOL, INT */
    double real;     /* INT, DOUBLE */
} cell;
typedef struct table_column {
    char *name;
    cell_kind kind; /* that every cell of it can be read as; EMPTY: nothing but empty ones */
    bool has_empty;
} table_column;
typedef struct table {
    buffer content;
    VECTOR(table_column) columns;
    VECTOR(cell) cells;
    VECTOR(size_t) starts; /* of each row in cells, and the end */
    VECTOR(void *) roots;  /* JSON values that cells borrow from */
    size_t row_count;
} table;
status table_read(const char *path, bool csv, table *out) MUST_CHECK; /* errors name the line */
void table_free(table *t);
const cell *table_cell(const table *t, size_t row,
                       size_t column); /* an empty one past the row's end */
#endif
