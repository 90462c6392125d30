/* Rights of users in the simulator, as numbers, as custom data and as the roles that read them. */
#include "rights.h"

#include <stdio.h>

/* A role for each combination of what is said of a class and not of an object; the first that applies counts. */
#define ROLE(when, insert, remove, fields, more)                   \
    "    - name: '" when "'\n"                                     \
    "      apply_when: '" when "'\n"                               \
    "      document_filters:\n"                                    \
    "        read: 'team IN %%user.custom_data.reads" more "'\n"   \
    "        write: 'team IN %%user.custom_data.writes" more "'\n" \
    "      read: true\n"                                           \
    "      write: true\n"                                          \
    "      insert: " insert "\n"                                   \
    "      delete: " remove "\n" fields
#define ROLES(insert, remove, more)                                                         \
    ROLE("%%user.custom_data.insert == " insert " && %%user.custom_data.remove == " remove  \
         " && %%user.custom_data.score != false",                                           \
         insert, remove, "", more)                                                          \
    ROLE("%%user.custom_data.insert == " insert " && %%user.custom_data.remove == " remove, \
         insert, remove, "      fields: {score: {read: false}}\n", more)

#define ALL_ROLES(more)                                                                           \
    "  roles:\n"                                                                                  \
    "    Item:\n" ROLES("true", "true", more) ROLES("true", "false", more) ROLES("false", "true", \
                                                                                 more)            \
        ROLES("false", "false", more) "  default_roles:\n"                                        \
                                      "  - {name: all, read: true, write: true, insert: true}\n"

const char rights_roles[] = ALL_ROLES("");
/* The same rights, said so that lists, embedded objects and links have to be looked at for them. */
const char rights_roles_by_paths[] =
    ALL_ROLES(" && (friend.friend.team == 77 || ANY many.x == 77 || one.x == 77 || "
              "TRUEPREDICATE)");
const char *const rights_users[] = {"ann", "bob", "cid", "dan", "eve", "fay"};

void rights_choose(rights *r, random_state *random)
{
    static const unsigned masks[] = {15, 15, 7, 3, 12, 1, 14};
    r->reads = masks[random_below(random, 7)];
    r->writes = r->reads & masks[random_below(random, 7)];
    r->insert = random_below(random, 6) != 0;
    r->remove = random_below(random, 6) != 0;
}

static size_t put_teams(unsigned teams, const char *separator, char *to, size_t size)
{
    size_t at = 0;
    to[0] = '\0';
    for (int team = 0; team < 4; team++) {
        if ((teams >> team & 1) == 0) continue;
        at += (size_t)snprintf(to + at, size - at, "%s%d", at == 0 ? "" : separator, team);
    }
    return at;
}

void rights_data(const rights *r, char *to, size_t size)
{
    char reads[40], writes[40];
    put_teams(r->reads, ", ", reads, sizeof reads);
    put_teams(r->writes, ", ", writes, sizeof writes);
    snprintf(to, size,
             "{\"reads\": [%s], \"writes\": [%s], \"insert\": %s, \"remove\": %s, \"score\": %s}",
             reads, writes, r->insert ? "true" : "false", r->remove ? "true" : "false",
             r->no_score ? "false" : "true");
}

void rights_query(unsigned teams, char *to, size_t size)
{
    char list[40];
    if (put_teams(teams, ", ", list, sizeof list) == 0)
        snprintf(to, size, "FALSEPREDICATE");
    else
        snprintf(to, size, "team IN {%s}", list);
}
