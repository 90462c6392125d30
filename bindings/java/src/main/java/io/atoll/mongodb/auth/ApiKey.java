package io.atoll.mongodb.auth;

/** A key by which programs log in as a user. */
public class ApiKey {
    private final String id;
    private final String name;
    private final boolean enabled;
    private final String value;

    ApiKey(String id, String name, boolean enabled, String value) {
        this.id = id;
        this.name = name;
        this.enabled = enabled;
        this.value = value;
    }

    /** 24 hexadecimal digits. */
    public String getId() {
        return id;
    }

    public String getName() {
        return name;
    }

    /** The key itself where it was created, else null. */
    public String getValue() {
        return value;
    }

    public boolean isEnabled() {
        return enabled;
    }
}
