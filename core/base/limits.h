#ifndef ATOLL_BASE_LIMITS_H
#define ATOLL_BASE_LIMITS_H
/* Every bound of the core with its reason; each has a test at it and past it. */
#define LIMIT_CLASS_NAME_SIZE_MAX \
    57 /* what the systems before allowed, so that models carry over */
#define LIMIT_PROPERTY_NAME_SIZE_MAX 63 /* the same */
#define LIMIT_CLASSES_MAX 1000          /* a schema stays small enough to be sent whole */
#define LIMIT_CLASS_KEYS_MAX 65536      /* classes that a realm ever had: keys come once */
#define LIMIT_PROPERTIES_MAX 1000       /* per class */
#define LIMIT_PROPERTY_KEYS_MAX \
    (4 * LIMIT_PROPERTIES_MAX) /* properties that a class ever had: each has a column's number */
#define LIMIT_VALUE_SIZE_MAX (16u << 20)   /* string or binary */
#define LIMIT_LIST_COUNT_MAX (1u << 24)    /* elements of a list, erased ones included */
#define LIMIT_DICTIONARY_KEY_SIZE_MAX 4096 /* a key is compared at every look-up */
#define LIMIT_QUERY_SIZE_MAX \
    (256u << 10) /* of a query's text: the service's limit for subscriptions */
#define LIMIT_QUERY_PATH_MAX \
    100 /* steps and indexes of one path: bounds the stack that follows it */
#define LIMIT_QUERY_DEPTH_MAX 100 /* nested parentheses and NOTs: bounds the parser's stack */
#define LIMIT_NESTING_MAX \
    100 /* lists and dictionaries inside each other in a mixed value: as the systems before */
#define LIMIT_EMBEDDING_MAX \
    200 /* embedded objects and nested collections inside each other: bounds the stack of all that walk them */
#define LIMIT_KEY_PATH_STEPS_MAX 16 /* of a listener: each costs a look at who links there */
#define LIMIT_PAYLOAD_DEPTH_MAX \
    100 /* embedded objects in an asymmetric one: the same on device, wire and server */
#define LIMIT_PAYLOAD_SIZE_MAX \
    (17u << 20) /* of an asymmetric object: a value of 16 MB with room; it must fit a message */
#define LIMIT_SYNCED_OBJECT_SIZE_MAX \
    (30u << 20)                            /* it must fit a message, behind a megabyte of others */
#define LIMIT_QUEUE_COUNT_MAX 10000        /* events that wait in one queue */
#define LIMIT_MESSAGE_SIZE_MAX (32u << 20) /* one message on the wire: a value of 16 MB with room */
#define LIMIT_UPLOAD_MESSAGE_SIZE_TARGET \
    (1u << 20)                                /* a batch is cut into messages of about this size */
#define LIMIT_TRANSACTION_SIZE_MAX (1u << 30) /* log record of one commit */
#define LIMIT_SUBSCRIPTIONS_MAX 1000          /* per realm */
#endif
