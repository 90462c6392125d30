package org.bson.types;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Date;

/** A 12-byte identifier: four bytes of seconds since 1970, so that ids sort by age, and eight random ones. */
public final class ObjectId implements Comparable<ObjectId>, Serializable {
    private static final long serialVersionUID = 1L;
    private static final SecureRandom RANDOM = new SecureRandom();
    private final byte[] bytes;

    public ObjectId() {
        byte[] random = new byte[8];
        RANDOM.nextBytes(random);
        int seconds = (int) (System.currentTimeMillis() / 1000);
        bytes = ByteBuffer.allocate(12).putInt(seconds).put(random).array();
    }

    public ObjectId(byte[] bytes) {
        if (bytes == null || bytes.length != 12) {
            throw new IllegalArgumentException("an ObjectId has 12 bytes");
        }
        this.bytes = bytes.clone();
    }

    public ObjectId(String hex) {
        if (!isValid(hex)) {
            throw new IllegalArgumentException("\"" + hex + "\" is no ObjectId: it takes 24 hex digits");
        }
        bytes = new byte[12];
        for (int i = 0; i < 12; i++) {
            bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
    }

    public static ObjectId get() {
        return new ObjectId();
    }

    public static boolean isValid(String hex) {
        if (hex == null || hex.length() != 24) {
            return false;
        }
        for (int i = 0; i < 24; i++) {
            if (Character.digit(hex.charAt(i), 16) < 0 || hex.charAt(i) > 'f') {
                return false;
            }
        }
        return true;
    }

    public byte[] toByteArray() {
        return bytes.clone();
    }

    public int getTimestamp() {
        return ByteBuffer.wrap(bytes).getInt();
    }

    public Date getDate() {
        return new Date((getTimestamp() & 0xFFFFFFFFL) * 1000);
    }

    public String toHexString() {
        StringBuilder hex = new StringBuilder(24);
        for (byte b : bytes) {
            hex.append(Character.forDigit((b >> 4) & 15, 16)).append(Character.forDigit(b & 15, 16));
        }
        return hex.toString();
    }

    @Override
    public int compareTo(ObjectId other) {
        for (int i = 0; i < 12; i++) {
            int order = (bytes[i] & 255) - (other.bytes[i] & 255);
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ObjectId && Arrays.equals(bytes, ((ObjectId) other).bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return toHexString();
    }
}
