"""Read every collection and one layer of tiles with QGIS; run by the Python that QGIS was built for.

::

    python3 qgis_client.py ROOT COLLECTION,COLLECTION,… TILE_ADDRESS WEST,SOUTH,EAST,NORTH PICTURE.png

Prints one JSON object: by collection the number of features, their fields and their extent.
"""

import json
import sys

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize

root, collections, tiles, box, picture = sys.argv[1:]
QgsApplication.setPrefixPath("/usr", True)
application = QgsApplication([], False)
application.initQgis()

found = {}
for name in collections.split(","):
    layer = QgsVectorLayer(f"url='{root}/ogc' typename='{name}' pageSize='5'", name, "OAPIF")
    features = list(layer.getFeatures())
    spots = QgsRectangle()
    for feature in features:
        spots.combineExtentWith(feature.geometry().boundingBox())
    found[name] = {
        "valid": layer.isValid(),
        "count": len(features),
        "fields": [field.name() for field in layer.fields()],
        "crs": layer.crs().authid(),
        "extent": [spots.xMinimum(), spots.yMinimum(), spots.xMaximum(), spots.yMaximum()],
    }
    del layer

layer = QgsVectorTileLayer(f"type=xyz&url={tiles}&zmin=9&zmax=16", "tiles")
mercator = QgsCoordinateReferenceSystem("EPSG:3857")
settings = QgsMapSettings()
settings.setLayers([layer])
settings.setDestinationCrs(mercator)
settings.setOutputSize(QSize(400, 400))
degrees = QgsCoordinateReferenceSystem("EPSG:4326")
shift = QgsCoordinateTransform(degrees, mercator, QgsProject.instance())
settings.setExtent(shift.transformBoundingBox(QgsRectangle(*map(float, box.split(",")))))
job = QgsMapRendererParallelJob(settings)
job.start()
job.waitForFinished()
job.renderedImage().save(picture)
print(json.dumps(found))
del job, settings, layer
application.exitQgis()
