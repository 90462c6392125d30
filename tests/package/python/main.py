"""A consumer in Python."""
import sys

import atoll


class Dog(atoll.Object):
    _id: int = atoll.primary_key()
    name: str


realm = atoll.open(sys.argv[1], schema=[Dog])
with realm.write():
    realm.add(Dog(_id=1, name="Rex"))
found = len(realm.objects(Dog))
print("found", found)
realm.close()
sys.exit(0 if found == 1 else 1)
