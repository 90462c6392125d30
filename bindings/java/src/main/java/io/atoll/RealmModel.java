package io.atoll;

/** What every stored class that can be read and queried is. */
public interface RealmModel {
}
