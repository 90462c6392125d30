/* How a function is made visible to users of the shared library. */
#ifndef ATOLL_EXPORT_H
#define ATOLL_EXPORT_H

#if defined(__GNUC__)
#define ATOLL_API __attribute__((visibility("default")))
#else
#define ATOLL_API
#endif

#endif
