import '../../tokens.css';
import 'maplibre-gl/dist/maplibre-gl.css';
import '../../frame.css';
import './viewer.css';
import './start';
