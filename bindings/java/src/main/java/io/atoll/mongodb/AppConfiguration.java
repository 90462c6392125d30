package io.atoll.mongodb;

import io.atoll.internal.Library;
import io.atoll.internal.Native;
import java.io.File;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Which app of which server, and where its users and realms are kept. */
public class AppConfiguration {
    private final Builder builder;

    private AppConfiguration(Builder builder) {
        this.builder = builder;
    }

    public String getAppId() {
        return builder.appId;
    }

    /** Null: ATOLL_BASE_URL of the environment, else http://127.0.0.1:7700. */
    public String getBaseUrl() {
        return builder.baseUrl;
    }

    public File getSyncRootDirectory() {
        return builder.folder;
    }

    long open() {
        Library.load();
        long config = Native.atoll_app_config_new(builder.appId);
        try {
            if (builder.baseUrl != null) {
                Native.atoll_app_config_set_base_url(config, builder.baseUrl);
            }
            if (builder.folder != null) {
                Native.atoll_app_config_set_base_path(config, builder.folder.getPath());
            }
            if (builder.requestTimeoutMs >= 0) {
                Native.atoll_app_config_set_request_timeout_ms(config, builder.requestTimeoutMs);
            }
            if (builder.connectTimeoutMs >= 0) {
                Native.atoll_app_config_set_connect_timeout_ms(config, builder.connectTimeoutMs);
            }
            if (builder.reconnectDelayMs >= 0) {
                Native.atoll_app_config_set_reconnect_delay_ms(config, builder.reconnectDelayMs);
            }
            if (builder.reconnectDelayMaxMs >= 0) {
                Native.atoll_app_config_set_reconnect_delay_max_ms(config, builder.reconnectDelayMaxMs);
            }
            if (builder.encryptionKey != null) {
                Native.atoll_app_config_set_metadata_encryption_key(config, builder.encryptionKey);
            }
            if (builder.trustedCertificates != null) {
                Native.atoll_app_config_set_trusted_certificates(config, builder.trustedCertificates);
            }
            if (builder.proxy != null) {
                Native.atoll_app_config_set_proxy_url(config, builder.proxy);
            }
            for (Map.Entry<String, String> header : builder.headers.entrySet()) {
                Native.atoll_app_config_add_header(config, header.getKey(), header.getValue());
            }
            return Native.atoll_app_open(config);
        } finally {
            Native.atoll_app_config_free(config);
        }
    }

    /** Builds it. */
    public static class Builder {
        private final String appId;
        private String baseUrl;
        private File folder;
        private byte[] encryptionKey;
        private String trustedCertificates;
        private String proxy;
        private final Map<String, String> headers = new LinkedHashMap<>();
        private long requestTimeoutMs = -1;
        private long connectTimeoutMs = -1;
        private long reconnectDelayMs = -1;
        private long reconnectDelayMaxMs = -1;

        public Builder(String appId) {
            if (appId == null || appId.isEmpty()) {
                throw new IllegalArgumentException("a non-empty 'appId' is required");
            }
            this.appId = appId;
        }

        public Builder baseUrl(String url) {
            baseUrl = url;
            return this;
        }

        public Builder baseUrl(java.net.URL url) {
            return baseUrl(url.toString());
        }

        public Builder syncRootDirectory(File root) {
            folder = root;
            return this;
        }

        public Builder requestTimeout(long time, TimeUnit unit) {
            requestTimeoutMs = unit.toMillis(time);
            return this;
        }

        public Builder connectTimeout(long time, TimeUnit unit) {
            connectTimeoutMs = unit.toMillis(time);
            return this;
        }

        /** How long the first failed attempt to connect waits for the next, and how long it may become. */
        public Builder reconnectDelay(long first, long longest, TimeUnit unit) {
            reconnectDelayMs = unit.toMillis(first);
            reconnectDelayMaxMs = unit.toMillis(longest);
            return this;
        }

        /** Encrypts what is kept of the users on this device: 64 random bytes. */
        public Builder encryptionKey(byte[] key) {
            if (key == null || key.length != 64) {
                throw new IllegalArgumentException("The key has 64 bytes.");
            }
            encryptionKey = key.clone();
            return this;
        }

        /** Sent along with every call: names of small letters, digits, '-' and '_'. */
        public Builder addCustomRequestHeader(String name, String value) {
            headers.put(name, value);
            return this;
        }

        /** Certificates in PEM that are trusted for https addresses, and no others. */
        public Builder trustedCertificates(String pem) {
            trustedCertificates = pem;
            return this;
        }

        /** http://HOST:PORT, with USER:PASSWORD@ before the host if it asks for that. */
        public Builder proxy(String url) {
            proxy = url;
            return this;
        }

        public AppConfiguration build() {
            return new AppConfiguration(this);
        }
    }
}
