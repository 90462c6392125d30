package io.atoll;

import io.atoll.annotations.RealmClass;

/**
 * Base of classes whose objects are only sent: measurements, events. They are given to {@link Realm#insert}, kept until
 * the server has them, and can't be read, queried or subscribed to. It is no RealmModel, so that such calls don't compile.
 */
@RealmClass
public abstract class AsymmetricRealmObject {
}
