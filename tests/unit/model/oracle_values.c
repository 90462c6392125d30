/* The values of the oracle: each is made from a number, so that a plain int says what a property should hold. */
#include "oracle_parts.h"

static int filling(int n)
{
    return n % 11 == 3 ? 1100 + n : n % 7 * 20; /* some lie out of line */
}

size_t text_size(int n)
{
    return n < 0 ? 0 : (size_t)filling(n) + 8;
}

/* As by snprintf, which would be a tenth of the whole test. */
bytes numbered(char *to, const char *prefix, int n)
{
    char digits[12];
    size_t size = strlen(prefix), count = 0;
    memcpy(to, prefix, size);
    do digits[count++] = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    while (count > 0) to[size++] = digits[--count];
    return bytes_of(to, size);
}

value text_value(char to[TEXT_SIZE], int n, value_type type)
{
    int size = (int)numbered(to, "text ", n).size, more = filling(n);
    to[size++] = ' ';
    memset(to + size, 'a' + n % 26, (size_t)more);
    return (value){.type = type, .as.text = bytes_of(to, (size_t)(size + more))};
}

static value uid_value(int n)
{
    uint8_t id[16];
    for (int i = 0; i < 16; i++) id[i] = (uint8_t)(n * 7 + i);
    return value_uuid(id);
}

/* The zero that a required decimal starts with, or a number with a point. */
static value price_value(int n)
{
    decimal d = decimal_from_int(n), tenth = {{0}};
    MUST(decimal_parse(bytes_text("0.10"), &tenth));
    if (n != 0) d = decimal_multiply(&d, &tenth);
    return value_decimal(&d);
}

value any_value(int n, char text[TEXT_SIZE])
{
    switch (n % 9) {
    case 0: return value_bool(n / 9 & 1);
    case 1: return value_int(n * 1000000007ll);
    case 2: return value_double(n / 7.0);
    case 3: return value_float((float)n / 7);
    case 4: return price_value(n);
    case 5: return text_value(text, n, VALUE_STRING);
    case 6: return text_value(text, n, VALUE_BINARY);
    case 7: return value_timestamp(-n, -n);
    default: return uid_value(n);
    }
}

value scalar(int property, int n, char text[TEXT_SIZE])
{
    if (property == ITEM_COUNT) return value_int(n * 1000000007ll); /* below zero too */
    if (n == ORACLE_NONE) return value_null();
    switch (property) {
    case ITEM_NAME: return text_value(text, n, VALUE_STRING);
    case ITEM_SCORE: return value_double(n * 0.5);
    case ITEM_AT: return value_timestamp(n * 1000003ll, n % 1000);
    case ITEM_DONE: return value_bool(n & 1);
    case ITEM_DATA:
        return n == 0 ? value_binary(bytes_of("", 0)) : text_value(text, n, VALUE_BINARY);
    case ITEM_UID: return uid_value(n);
    case ITEM_RATIO: return value_float((float)n / 3);
    case ITEM_PRICE: return price_value(n);
    case ITEM_ANY: return any_value(n, text);
    default: return value_int(n * 1000000007ll);
    }
}

int *scalar_slot(oracle_item *item, int property)
{
    switch (property) {
    case ITEM_NAME: return &item->name;
    case ITEM_SCORE: return &item->score;
    case ITEM_AT: return &item->at;
    case ITEM_DONE: return &item->done;
    case ITEM_DATA: return &item->data;
    case ITEM_UID: return &item->uid;
    case ITEM_RATIO: return &item->ratio;
    case ITEM_PRICE: return &item->price;
    case ITEM_ANY: return &item->any;
    default: return &item->count;
    }
}

const int scalars[SCALAR_COUNT] = {ITEM_NAME, ITEM_SCORE, ITEM_AT,    ITEM_DONE,  ITEM_DATA,
                                   ITEM_UID,  ITEM_COUNT, ITEM_RATIO, ITEM_PRICE, ITEM_ANY};

static uint64_t item_size(const oracle_item *item)
{
    uint64_t sum = sizeof *item + text_size(item->name) + text_size(item->data);
    if (item->any >= 0 && (item->any % 9 == 5 || item->any % 9 == 6)) sum += text_size(item->any);
    for (int i = 0; i < item->tag_count; i++) sum += text_size(item->tags[i]);
    for (int i = 0; i < item->many_count; i++) sum += text_size(item->many[i].deep);
    for (int i = 0; i < ORACLE_MAP; i++) sum += text_size(item->map[i]);
    for (int i = 0; i < ORACLE_WORDS; i++) sum += item->words >> i & 1 ? text_size(i) : 0;
    return sum;
}

uint64_t oracle_size(const oracle *o)
{
    uint64_t sum = 0;
    for (int i = 0; i < ORACLE_KEYS; i++)
        if (o->items[i].alive || o->items[i].hidden) sum += item_size(&o->items[i]);
    for (int i = 0; i < o->notes; i++) sum += text_size(i);
    return sum;
}
