// A test runner of one page: TEST bodies run one after the other, each in a fresh folder; EXPECT reports and goes on.
#ifndef CPPREALM_TESTS_CHECK_HPP
#define CPPREALM_TESTS_CHECK_HPP

#include <cpprealm/sdk.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

namespace check
{

struct test {
    const char *name;
    void (*body)();
};

inline std::vector<test> &tests()
{
    static std::vector<test> all;
    return all;
}

inline int &failures()
{
    static int count = 0;
    return count;
}

inline std::string &folder()
{
    static std::string path;
    return path;
}

struct add {
    add(const char *name, void (*body)()) { tests().push_back({name, body}); }
};

inline void failed(const char *file, int line, const std::string &what)
{
    failures()++;
    std::cout << file << ":" << line << ": " << what << std::endl;
}

template <class F> void expect_error(const char *file, int line, atoll_status code, F &&call)
{
    try {
        call();
        failed(file, line, std::string("nothing was thrown, expected ") + atoll_status_name(code));
    } catch (const realm::exception &e) {
        if (e.code() != code)
            failed(file, line, std::string("threw ") + e.name() + ": " + e.what());
    }
}

inline int run(const char *only)
{
    int passed = 0, broken = 0;
    for (const test &t : tests()) {
        if (only && std::string(t.name).find(only) == std::string::npos) continue;
        char name[] = "/tmp/realm-cpp-XXXXXX";
        if (!mkdtemp(name)) std::abort();
        folder() = name;
        int before = failures();
        try {
            t.body();
        } catch (const std::exception &e) {
            failed(t.name, 0, std::string("threw ") + e.what());
        }
        std::filesystem::remove_all(name);
        bool good = failures() == before;
        std::cout << (good ? "ok " : "FAILED ") << t.name << std::endl;
        (good ? passed : broken)++;
    }
    std::cout << passed << " passed, " << broken << " failed" << std::endl;
    return broken == 0 ? 0 : 1;
}

} // namespace check

#define TEST(name)                               \
    static void name();                          \
    static check::add name##_added(#name, name); \
    static void name()
#define EXPECT(condition)                                                             \
    do {                                                                              \
        if (!(condition)) check::failed(__FILE__, __LINE__, "not true: " #condition); \
    } while (0)
#define EXPECT_ERROR(code, ...) check::expect_error(__FILE__, __LINE__, code, [&] { __VA_ARGS__; })

#endif
