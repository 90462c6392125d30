// The C++ client of tools/demo: takes commands as lines of JSON, answers in lines of JSON (tools/demo.d/README.md).
#include <cpprealm/sdk.hpp>

#include <iostream>
#include <jansson.h>

struct Airport {
    realm::primary_key<std::string> _id;
    std::string name;
    std::optional<std::string> city;
    std::optional<std::string> state;
    std::string country;
    double latitude = 0;
    double longitude = 0;
    int64_t visits = 0;
    std::vector<std::string> tags;
};
REALM_SCHEMA(Airport, _id, name, city, state, country, latitude, longitude, visits, tags)

using json = std::shared_ptr<json_t>;

static json own(json_t *value)
{
    return json(value, json_decref);
}

static json parse(const std::string &text)
{
    json_error_t error;
    json value = own(json_loads(text.c_str(), 0, &error));
    if (!value) throw std::runtime_error(std::string("no JSON: ") + error.text);
    return value;
}

static std::string text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static json_t *text_to_json(const std::string &text)
{
    return json_stringn(text.data(), text.size());
}
static json_t *text_to_json(const std::optional<std::string> &text)
{
    return text ? text_to_json(*text) : json_null();
}

class client
{
public:
    client(const std::string &url, const std::string &app_id, const std::string &folder)
        : app_(configure(url, app_id, folder)),
          user_(app_.login(realm::App::credentials::anonymous()).get()),
          db_(realm::open<Airport>(user_.flexible_sync_configuration()))
    {
    }

    json answer(const json_t *command)
    {
        std::string what = text_of(command, "do");
        auto session = *db_.get_sync_session();
        if (what == "subscribe") {
            db_.subscriptions()
                .update([&](realm::mutable_sync_subscription_set &set) {
                    set.clear();
                    set.add<Airport>("airports", text_of(command, "query"));
                })
                .get();
        } else if (what == "stop") {
            session.pause();
        } else if (what == "start") {
            session.resume();
        } else if (what == "create") {
            db_.write([&] { create(json_object_get(command, "values")); });
        } else if (what == "wait") {
            session.wait_for_upload_completion().get();
            session.wait_for_download_completion().get();
        } else if (what == "dump") {
            return dump();
        } else if (what == "set" || what == "tag" || what == "delete") {
            return edit(what, command);
        } else {
            throw std::runtime_error("unknown command " + what);
        }
        db_.refresh();
        return counted(db_.objects<Airport>().size());
    }

private:
    static realm::App configure(const std::string &url, const std::string &app_id,
                                const std::string &folder)
    {
        realm::App::configuration configuration;
        configuration.app_id = app_id;
        configuration.base_url = url;
        configuration.path = folder;
        return realm::App(configuration);
    }

    static json counted(size_t count)
    {
        return own(json_pack("{s:b, s:I}", "ok", 1, "count", static_cast<json_int_t>(count)));
    }

    // Works for an Airport outside and inside a realm alike.
    template <class A> static void set(A &airport, const json_t *values)
    {
        const char *name;
        json_t *value;
        json_object_foreach(const_cast<json_t *>(values), name, value)
        {
            std::string field = name;
            std::optional<std::string> text;
            if (json_is_string(value))
                text = std::string(json_string_value(value), json_string_length(value));
            if (field == "name") airport.name = text.value();
            if (field == "city") airport.city = text;
            if (field == "state") airport.state = text;
            if (field == "country") airport.country = text.value();
            if (field == "latitude") airport.latitude = json_number_value(value);
            if (field == "longitude") airport.longitude = json_number_value(value);
            if (field == "visits") airport.visits = static_cast<int64_t>(json_integer_value(value));
        }
    }

    void create(const json_t *values)
    {
        Airport airport;
        airport._id = text_of(values, "_id");
        set(airport, values);
        db_.add(airport);
    }

    json edit(const std::string &what, const json_t *command)
    {
        size_t count = 0;
        db_.write([&] {
            auto found = db_.objects<Airport>().where(text_of(command, "query"));
            count = found.size();
            if (what == "delete") {
                found.remove_all();
                return;
            }
            // Kept first: an edit may take an object out of the results.
            std::vector<realm::managed<Airport>> airports;
            for (auto airport : found) airports.push_back(airport);
            for (auto &airport : airports) {
                if (what == "set") set(airport, json_object_get(command, "values"));
                if (what == "tag") airport.tags.push_back(text_of(command, "value"));
            }
        });
        return counted(count);
    }

    json dump()
    {
        json rows = own(json_array());
        for (auto airport : db_.objects<Airport>()) {
            json_t *row = json_object();
            json_object_set_new(row, "_id", text_to_json(airport._id.detach()));
            json_object_set_new(row, "name", text_to_json(airport.name.detach()));
            json_object_set_new(row, "city", text_to_json(airport.city.detach()));
            json_object_set_new(row, "state", text_to_json(airport.state.detach()));
            json_object_set_new(row, "country", text_to_json(airport.country.detach()));
            json_object_set_new(row, "latitude", json_real(airport.latitude));
            json_object_set_new(row, "longitude", json_real(airport.longitude));
            json_object_set_new(row, "visits", json_integer(airport.visits));
            json_t *tags = json_array();
            for (const auto &tag : airport.tags.detach())
                json_array_append_new(tags, text_to_json(tag));
            json_object_set_new(row, "tags", tags);
            json_array_append_new(rows.get(), row);
        }
        return own(json_pack("{s:b, s:O}", "ok", 1, "rows", rows.get()));
    }

    realm::App app_;
    realm::user user_;
    realm::db db_;
};

static void print(const json &value)
{
    char *text = json_dumps(value.get(), JSON_COMPACT | JSON_REAL_PRECISION(17));
    std::cout << text << std::endl;
    free(text);
}

static json failure(const std::string &why)
{
    return own(json_pack("{s:b, s:s}", "ok", 0, "error", why.c_str()));
}

int main(int count, char **arguments)
{
    if (count != 4) {
        std::cerr << "use: client BASE_URL APP_ID ROLE_JSON" << std::endl;
        return 2;
    }
    try {
        client demo(arguments[1], arguments[2], text_of(parse(arguments[3]).get(), "folder"));
        print(own(json_pack("{s:b, s:b}", "ok", 1, "ready", 1)));
        for (std::string line; std::getline(std::cin, line);) {
            json command = parse(line);
            if (text_of(command.get(), "do") == "quit") break;
            try {
                print(demo.answer(command.get()));
            } catch (const std::exception &e) {
                print(failure(e.what()));
            }
        }
    } catch (const std::exception &e) {
        print(failure(e.what()));
        return 1;
    }
    return 0;
}
