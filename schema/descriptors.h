#ifndef ATOLL_SCHEMA_DESCRIPTORS_H
#define ATOLL_SCHEMA_DESCRIPTORS_H
#include <stddef.h>

/* What protoc knows of the wire's files, for the reflection service; written by embed.py, each list ends with zeros. */
typedef struct descriptor_file {
    const char *name;
    const unsigned char *data; /* google.protobuf.FileDescriptorProto, serialized */
    size_t size;
} descriptor_file;
typedef struct descriptor_symbol {
    const char *name; /* of a message, enum, service or method */
    int file;
} descriptor_symbol;
extern const descriptor_file descriptor_files[];
extern const descriptor_symbol descriptor_symbols[];
extern const char *const descriptor_services[];
#endif
