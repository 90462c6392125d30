package demo;

import io.atoll.Realm;
import io.atoll.RealmResults;
import io.atoll.mongodb.App;
import io.atoll.mongodb.AppConfiguration;
import io.atoll.mongodb.Credentials;
import io.atoll.mongodb.sync.Subscription;
import io.atoll.mongodb.sync.SyncConfiguration;
import io.atoll.mongodb.sync.SyncSession;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The Java client of tools/demo: takes commands as lines of JSON, answers in lines of JSON (tools/demo.d/README.md). */
public final class Client {
    private final Realm realm;
    private final SyncSession session;

    private Client(String url, String appId, File folder) {
        App app = new App(new AppConfiguration.Builder(appId).baseUrl(url).syncRootDirectory(folder).build());
        SyncConfiguration configuration = new SyncConfiguration.Builder(app.login(Credentials.anonymous()))
                .schema(Airport.class).build();
        realm = Realm.getInstance(configuration);
        session = app.getSync().getSession(configuration);
    }

    private RealmResults<Airport> find(Map<String, Object> command) {
        return realm.where(Airport.class).rawPredicate((String) command.get("query")).findAll();
    }

    private static void set(Airport airport, Map<String, Object> values) {
        for (Map.Entry<String, Object> entry : values.entrySet()) {
            Object value = entry.getValue();
            switch (entry.getKey()) {
                case "name":
                    airport.setName((String) value);
                    break;
                case "city":
                    airport.setCity((String) value);
                    break;
                case "state":
                    airport.setState((String) value);
                    break;
                case "country":
                    airport.setCountry((String) value);
                    break;
                case "latitude":
                    airport.setLatitude(((Number) value).doubleValue());
                    break;
                case "longitude":
                    airport.setLongitude(((Number) value).doubleValue());
                    break;
                case "visits":
                    airport.setVisits(((Number) value).longValue());
                    break;
                default: // _id was given when the object was made
                    break;
            }
        }
    }

    @SuppressWarnings("unchecked")
    private int edit(Map<String, Object> command) {
        int[] count = new int[1];
        realm.executeTransaction(r -> {
            RealmResults<Airport> found = find(command);
            count[0] = found.size();
            if (command.get("do").equals("delete")) {
                found.deleteAllFromRealm();
                return;
            }
            for (Airport airport : found) {
                if (command.get("do").equals("set")) {
                    set(airport, (Map<String, Object>) command.get("values"));
                } else {
                    airport.getTags().add((String) command.get("value"));
                }
            }
        });
        return count[0];
    }

    @SuppressWarnings("unchecked")
    private void create(Map<String, Object> command) {
        Map<String, Object> values = (Map<String, Object>) command.get("values");
        Airport airport = new Airport();
        airport.setId((String) values.get("_id"));
        set(airport, values);
        realm.executeTransaction(r -> r.insert(airport));
    }

    private List<Object> dump() {
        List<Object> rows = new ArrayList<>();
        for (Airport airport : realm.where(Airport.class).findAll()) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("_id", airport.getId());
            row.put("name", airport.getName());
            row.put("city", airport.getCity());
            row.put("state", airport.getState());
            row.put("country", airport.getCountry());
            row.put("latitude", airport.getLatitude());
            row.put("longitude", airport.getLongitude());
            row.put("visits", airport.getVisits());
            row.put("tags", new ArrayList<>(airport.getTags()));
            rows.add(row);
        }
        return rows;
    }

    private Map<String, Object> answer(Map<String, Object> command) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("ok", true);
        switch ((String) command.get("do")) {
            case "subscribe":
                realm.getSubscriptions().update(set -> {
                    set.removeAll();
                    set.add(Subscription.create(realm.where(Airport.class).rawPredicate((String) command.get("query"))));
                }).waitForSynchronization();
                break;
            case "stop":
                session.stop();
                break;
            case "start":
                session.start();
                break;
            case "create":
                create(command);
                break;
            case "set":
            case "tag":
            case "delete":
                answer.put("count", edit(command));
                return answer;
            case "wait":
                session.uploadAllLocalChanges();
                session.downloadAllServerChanges();
                break;
            case "dump":
                answer.put("rows", dump());
                return answer;
            default:
                throw new IllegalArgumentException("unknown command " + command.get("do"));
        }
        realm.refresh();
        answer.put("count", realm.where(Airport.class).count());
        return answer;
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        String folder = (String) Json.object(arguments[2]).get("folder");
        Client client = new Client(arguments[0], arguments[1], new File(folder));
        out.println("{\"ok\":true,\"ready\":true}");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Map<String, Object> command = Json.object(line);
            if ("quit".equals(command.get("do"))) {
                break;
            }
            Map<String, Object> answer;
            try {
                answer = client.answer(command);
            } catch (RuntimeException e) {
                answer = new LinkedHashMap<>();
                answer.put("ok", false);
                answer.put("error", e.toString());
            }
            out.println(Json.write(answer));
        }
        client.realm.close();
    }
}
